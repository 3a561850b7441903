module "c" {
  source = "git::https://example.com/c.git"
}

output "id" {
  value = module.c.id
}
