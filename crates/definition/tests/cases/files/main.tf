variable "name" { default = "a" }
locals {
  path  = "${path.module}/${var.name}.txt"
  texts = [for n in ["a", "b"] : file("${n}.txt")]
}
module "m" { source = "./mod" }
resource "terraform_data" "x" {
  input = templatefile("${path.module}/t.tftpl", { name = local.path, items = [1, 2] })
}
resource "terraform_data" "each" {
  for_each = toset(["c.txt"])
  input    = filebase64(each.value)
}
resource "terraform_data" "try" {
  input = [try(file("nowhere.txt"), "none"), fileexists("nowhere.txt"), fileexists("mod/own.txt")]
}
output "hash" { value = filesha256(local.path) }
