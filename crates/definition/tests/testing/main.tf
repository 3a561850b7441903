# What all test files in this directory test.
variable "x" {
  default = 1
}

variable "given" {
  default = null
}

provider "test" {
  alias = "east"
}

resource "test_thing" "a" {
  name = "a"
}

data "test_thing" "b" {
  name = "b"
}

module "net" {
  source = "./net"
}

output "o" {
  value = var.x
}

check "c" {
  assert {
    condition     = var.x > 0
    error_message = "x"
  }
}
