locals {
  a = "from override.tf"
}

output "o" {
  sensitive  = true
  depends_on = []
}

module "net" {
  source = "./other"
  name   = "over"
}
