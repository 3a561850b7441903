resource "terraform_data" "a" {
  depends_on = ["terraform_data.b"]
  lifecycle {
    ignore_changes = ["input", output]
  }
}
resource "terraform_data" "b" {}
module "m" {
  source = "./m"
  old    = 1
}
locals {
  key     = { local.x = 1 }
  x       = 1
  outdated = module.m.name
}
