variable "size" { type = number }
variable "settings" {
  type = list(object({
    name  = string
    ports = optional(list(number), [80])
    tls   = optional(object({ on = optional(bool, true) }), {})
  }))
  default = [{ name = "d" }]
}
output "size" { value = var.size }
module "inner" {
  source = "./inner"
}
