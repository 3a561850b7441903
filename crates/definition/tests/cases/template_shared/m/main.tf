variable "which" { type = string }
output "fixed" { value = templatefile("${path.module}/a.tftpl", { which = var.which }) }
output "moving" { value = templatefile("${path.module}/${var.which}.tftpl", {}) }
