module "c" {
  source = "git::https://example.com/c.git"
}
