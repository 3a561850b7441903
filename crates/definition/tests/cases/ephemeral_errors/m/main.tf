variable "given" {
}
variable "other" {
  ephemeral = true
}
output "back" {
  ephemeral = true
  value     = var.other
}
output "plain" {
  ephemeral = true
  value     = "x"
}
output "hidden" {
  value = var.other
}
