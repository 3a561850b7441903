module "beside" {
  source = "../beside"
}

output "id" {
  value = module.beside.id
}
