# A registry and Git; a source made of known values; a directory called twice, whose own call is installed twice.
variable "tag" {
  type    = number
  default = 6
}

locals {
  repository = "git::https://example.com/mono.git"
  ref        = "v${var.tag}"
}

module "a" {
  source  = "acme/net/aws"
  version = ">= 1.2, < 2.0"
}

module "b" {
  source = "git::https://example.com/net.git?ref=v1"
  name   = module.a.id
}

module "twice" {
  source = "./net"
}

module "again" {
  source = "./net"
}

module "variable" {
  source = "${local.repository}//modules/deep?ref=${local.ref}"
}

module "inner" {
  source = "./wrapped"
  ref    = "v1"
  name   = module.b.id
}

output "all" {
  value = [module.a.id, module.b.id, module.twice.id, module.again.id, module.variable.id, module.inner.id]
}
