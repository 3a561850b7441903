variable "input" {}

resource "terraform_data" "inner" {
  for_each = toset(["x", "y"])
  input    = var.input
}

output "id" {
  value = terraform_data.inner["x"].id
}
