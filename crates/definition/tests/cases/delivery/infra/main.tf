variable "name" { type = string }
output "url" { value = "db://${var.name}" }
