terraform {
  required_providers {
    tf   = { source = "terraform.io/builtin/terraform" }
    test = { source = "steadfast/test" }
    gone = {}
  }
}
variable "settings" {}
locals {
  text    = provider::tf::encode_tfvars({ a = 1 })
  back    = provider::tf::decode_tfvars(local.text).a
  caught  = try(provider::terraform::encode_expr(1), "another name")
  nothing = provider::terraform::encode_expr(1)
  wrong   = provider::tf::encode_exp(1)
  other   = provider::test::parse("x", 1).text
  part    = provider::test::parse("x").parts
  unlike  = provider::test::pars("x")
  fewer   = provider::test::parse()
  unfit   = provider::test::parse("x", ["y"])
  gone    = provider::gone::parse("x")
  inside  = templatestring(local.text, {})
}
variable "constant" {
  default = provider::tf::encode_expr(1)
}
module "inner" {
  source = "./inner"
}
