variable "size" {}
output "id" { value = 1 }
