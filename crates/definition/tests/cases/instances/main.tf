resource "terraform_data" "three" {
  count = 3
}
resource "terraform_data" "named" {
  for_each = { west = 1, east = 2 }
}
resource "terraform_data" "none" {
  count = 0
  input = terraform_data.three[7].id
}
resource "terraform_data" "computed" {
  count = length(terraform_data.three)
}
module "m" {
  source = "./m"
  count  = 2
  c      = 1
}
locals {
  good = [
    terraform_data.three[2].id,
    terraform_data.three["1"].id,
    terraform_data.named["west"].id,
    terraform_data.computed[9].id,
    try(terraform_data.three[3].id, null),
    can(module.m[2].a),
  ]
  one_too_many = terraform_data.three[3].id
  text         = terraform_data.three["x"].id
  slip         = terraform_data.named["wst"].id
  number       = terraform_data.named[0].id
  nothing      = terraform_data.none[0].id
  module       = module.m[2].a
  whole        = module.m[5]
}
resource "terraform_data" "negative" {
  count = -1
}
resource "terraform_data" "fraction" {
  count = 1.5
}
resource "terraform_data" "absent" {
  count = null
}
resource "terraform_data" "tuple" {
  for_each = ["a"]
}
resource "terraform_data" "numbers" {
  for_each = toset([1])
}
resource "terraform_data" "nothing" {
  for_each = null
}
variable "secret" {
  sensitive = true
  default   = "x"
}
resource "terraform_data" "secret" {
  for_each = toset([var.secret])
}
output "secret" {
  value = "x${var.secret}"
}
module "wrong" {
  source = "./m"
  count  = -1
  b      = "x"
  c      = null
  d      = { e = 1 }
}
