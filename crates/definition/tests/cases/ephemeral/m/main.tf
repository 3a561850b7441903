variable "given" {
  ephemeral = true
}
output "back" {
  ephemeral = true
  value     = var.given
}
