variable "ref" {}

variable "name" {}

module "given" {
  source = "git::https://example.com/net.git?ref=${var.ref}"
  name   = var.name
}

output "id" {
  value = module.given.id
}
