variable "name" {}
variable "cidr" {}
