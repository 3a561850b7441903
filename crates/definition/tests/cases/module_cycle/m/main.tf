variable "in" {}
output "out" { value = var.in }
output "other" { value = 1 }
