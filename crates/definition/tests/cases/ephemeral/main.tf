terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
variable "secret" {
  ephemeral = true
}
variable "shown" {
  ephemeral = true
  sensitive = true
  default   = "x"
  validation {
    condition     = var.shown != ""
    error_message = "Too short."
  }
}
ephemeral "test_token" "a" {
  count  = 2
  length = length(var.secret)
  lifecycle {
    precondition {
      condition     = var.secret != ""
      error_message = "No secret."
    }
    postcondition {
      condition     = self.value != ""
      error_message = "No token."
    }
  }
}
locals {
  both = "${ephemeral.test_token.a[0].value}${var.secret}"
}
resource "test_sealed" "a" {
  name   = "a"
  secret = local.both
  lock {
    name = "x"
    code = ephemeral.test_token.a[1].value
  }
  dynamic "lock" {
    for_each = [1, 2]
    content {
      code = ephemeral.test_token.a[0].value
    }
  }
  connection {
    host     = "x"
    password = var.secret
  }
  provisioner "remote-exec" {
    inline = [local.both]
  }
}
module "m" {
  source = "./m"
  given  = local.both
}
provider "test" {
  alias = "inner"
  token = module.m.back
}
output "nothing" {
  value = ephemeralasnull(var.secret)
}
