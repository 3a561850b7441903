variable "unset" {
  nullable = true
}

variable "secret" {
  default   = "a"
  sensitive = true
}

locals {
  circle  = local.round
  round   = local.circle
  unknown = terraform_data.a.id
}

resource "terraform_data" "a" {}

module "resource" {
  source = "./${terraform_data.a.id}"
}

module "through_a_local" {
  source = "./${local.unknown}"
}

module "value_missing" {
  source = var.unset
}

module "secret" {
  source = "./${var.secret}"
}

module "circle" {
  source = local.circle
}

module "typo" {
  source = var.unsett
}

module "each" {
  for_each = toset(["a"])
  source   = "./${each.key}"
}

module "nothing" {
  source = null
}
