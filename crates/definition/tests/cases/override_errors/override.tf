variable "w" {}
locals {
  l = 1
}
output "p" {}
resource "terraform_data" "z" {}
data "terraform_data" "x" {}
ephemeral "terraform_data" "x" {}
module "m" {}
provider "terraform" {
  alias = "x"
}
moved {
  from = terraform_data.a
  to   = terraform_data.x
}
import {
  to = terraform_data.x
  id = "x"
}
removed {
  from = terraform_data.a
}
check "c" {}
bogus "x" {}
arg = 1

variable "v" {
  validation {
    condition     = true
    error_message = "x"
  }
}
resource "terraform_data" "x" {
  depends_on = [terraform_data.y]
  lifecycle {
    postcondition {
      condition     = true
      error_message = "x"
    }
  }
}
resource "terraform_data" "y" {
  lifecycle {
    precondition {
      condition     = true
      error_message = "x"
    }
  }
}
output "o" {
  depends_on = terraform_data.x
  precondition {
    condition     = true
    error_message = "x"
  }
}
resource "x" {}
