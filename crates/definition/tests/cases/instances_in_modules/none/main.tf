resource "terraform_data" "a" {
  count = 1
}
locals {
  x = terraform_data.a[3].id
}
output "o" {
  value = terraform_data.a[4].id
}
module "inside" {
  source = "../maybe"
}
