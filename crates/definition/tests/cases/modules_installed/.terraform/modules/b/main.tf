variable "name" {}

output "id" {
  value = "b of ${var.name}"
}
