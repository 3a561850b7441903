# Terraform never looks into a module without instances, and of one whose instances are not known yet it cannot be said.
variable "n" {
  default = 0
}
module "none" {
  source = "./none"
  count  = 0
}
module "some" {
  source = "./some"
  count  = 1
}
module "maybe" {
  source   = "./maybe"
  for_each = var.n > 0 ? { a = 1 } : {}
}
module "both_not" {
  source = "./both"
  count  = 0
}
module "both" {
  source = "./both"
}
resource "terraform_data" "a" {
  count = 1
}
resource "terraform_data" "maybe" {
  count = var.n
  input = terraform_data.a[3].id
}
