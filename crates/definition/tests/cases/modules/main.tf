module "net" {
  source     = "./net"
  for_each   = { a = 1, b = 2 }
  size       = each.value
  settings   = [{ name = each.key }]
  depends_on = [terraform_data.first]
}
module "again" {
  source = "./net/../net"
  size   = module.net["a"].size
}
resource "terraform_data" "first" {}
output "sizes" {
  value = [module.net["b"].size, module.again.size, values(module.net)[*].size, module.again]
}
