terraform {
  required_providers {
    here = { source = "example.com/nobody/nothing" }
  }
}

provider "terraform" {}

variable "size" {
  type    = number
  default = 1
}

locals {
  a = 1
  b = 2
}

resource "terraform_data" "x" {
  count            = 2
  input            = "kept"
  triggers_replace = "changed"

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [input]
    precondition {
      condition     = local.a != ""
      error_message = "kept"
    }
  }
}

module "net" {
  source = "./net"
  name   = "changed"
  cidr   = "kept"
}

output "o" {
  value       = local.a
  description = "kept"
}
