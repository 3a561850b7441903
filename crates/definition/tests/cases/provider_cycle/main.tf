terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
provider "test" {
  region = module.m.region
}
module "m" {
  source = "./m"
}
