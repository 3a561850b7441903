variable "name" {}
variable "cidr" { default = "" }
