resource "terraform_data" "a" {
  count = 2
}
resource "terraform_data" "b" {}
variable "x" {
  default = 1
}
moved {
  from = terraform_data.a[1]
  to   = terraform_data.c
}
moved {
  from = terraform_data.d
  to   = terraform_data.e
}
moved {
  from = terraform_data.e
  to   = terraform_data.f
}
moved {
  from = terraform_data.f
  to   = terraform_data.d
}
moved {
  from = terraform_data.g
  to   = terraform_data.b
}
moved {
  from = terraform_data.h
  to   = terraform_data.b
}
moved {
  from = terraform_data.h
  to   = terraform_data.i
}
moved {
  from = terraform_data.j
  to   = terraform_data.j
}
moved {
  from = module.m
  to   = terraform_data.k
}
moved {
  from = terraform_data.k[var.x]
  to   = "terraform_data.l"
}
moved {
  from = terraform_data.l.id
  to   = module.m.terraform_data
}
import {
  to = terraform_data.z
  id = "x"
}
import {
  to = terraform_data.a
  id = "x"
}
import {
  to = terraform_data.a[2]
  id = ""
}
import {
  to       = terraform_data.b
  id       = null
  identity = {}
  provider = terraform.west
}
import {
  to = terraform_data.b
  id = "y"
}
import {
  to = data.terraform_data.b
  id = ["x"]
}
import {
  to = module.nowhere[each.key].terraform_data.b
}
removed {
  from = terraform_data.b
}
removed {
  from = terraform_data.q[0]
}
removed {
  from = data.terraform_remote_state.x
  provisioner "local-exec" {
    command = "x"
  }
}
removed {
  from = terraform_data.r
  provisioner "local-exec" {
    command = self.idd
  }
}
removed {
  from = module.m
  provisioner "local-exec" {
    when    = destroy
    command = "x"
  }
}
check "twice" {
  data "terraform_remote_state" "x" {
    for_each = {}
    backend  = "local"
    lifecycle {}
  }
  data "terraform_remote_state" "y" {
    backend = "local"
  }
}
check "other" {
  assert {
    condition     = data.terraform_remote_state.x.backend == ""
    error_message = "x"
  }
  assert {
    condition     = true
    error_message = "x"
  }
}
