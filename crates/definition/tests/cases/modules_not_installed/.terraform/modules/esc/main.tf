module "out" {
  source = "../other"
}
