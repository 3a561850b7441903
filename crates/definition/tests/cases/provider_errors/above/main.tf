module "own" {
  source = "../own"
}
