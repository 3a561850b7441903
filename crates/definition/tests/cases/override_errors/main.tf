variable "v" {
  default = 1
}

resource "terraform_data" "x" {
  lifecycle {}
}

resource "terraform_data" "y" {}

output "o" {
  value = 1
}
