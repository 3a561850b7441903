module "m" {
  source = "./m"
  in     = local.x
}
locals { x = module.m.out }
module "n" {
  source     = "./m"
  in         = 1
  depends_on = [terraform_data.r]
}
resource "terraform_data" "r" {
  input = module.n.other
}
