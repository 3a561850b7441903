locals {
  a = local.b
  b = [local.c]
  c = upper(local.a)
  d = local.d
  fine = local.other
  other = 1
}
resource "terraform_data" "x" {
  input = terraform_data.y.output
}
resource "terraform_data" "y" {
  depends_on = [terraform_data.x]
}
