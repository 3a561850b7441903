variable "region" {}
locals { name = "x" }
resource "terraform_data" "one" {}
resource "terraform_data" "many" { count = 2 }
resource "test_thing" "thing" {
  name = "x"
}
data "test_thing" "found" {
  name = "x"
}
locals {
  a = var.reigon
  b = local.nmae
  c = terraform_data.oen.id
  d = test_thing.thing.idd
  e = test_thing.nothing
  f = terraform_data.many.id
  g = terraform_data.one[0].id
  h = region
  i = name
  j = something
  k = each.key
  l = count.index
  m = self.x
  n = uper("x")
  o = provider::foo::bar(1)
  p = var
  q = path.here
  r = terraform.version
  s = data.test_thing
  t = data.test_thing.fuond.id
  u = module.net.id
  v = var["region"]
  w = each
  x = terraform_data
  y = stack.x
  z = [for x in [1] : x.y]
}
