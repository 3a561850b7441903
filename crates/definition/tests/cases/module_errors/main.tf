module "registry" { source = "hashicorp/consul/aws" }
module "outside" { source = "../elsewhere" }
module "missing" { source = "./nowhere" }
module "none" {}
module "computed" { source = local.where }
module "a" { source = "./a" }
module "net" { source = "./net" }
module "net" { source = "./net" }
locals { where = "./a" }
