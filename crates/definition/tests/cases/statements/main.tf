resource "terraform_data" "b" {
  count = 2
}
resource "terraform_data" "c" {}
resource "terraform_data" "d" {
  for_each = { x = 1 }
}
moved {
  from = terraform_data.a
  to   = terraform_data.b[0]
}
moved {
  from = terraform_data.b
  to   = terraform_data.b[1]
}
moved {
  from = module.old["k"].terraform_data.x
  to   = module.m.terraform_data.x["k"]
}
moved {
  from = module.older
  to   = module.m
}
moved {
  from = terraform_data.b[7]
  to   = resource.terraform_data.c
}
module "m" {
  source = "./m"
}
module "n" {
  source   = "./m"
  for_each = { k = 1 }
}
import {
  to = terraform_data.c
  id = "x"
}
import {
  to       = terraform_data.b[1]
  identity = { id = "x" }
}
import {
  for_each = { x = "one" }
  to       = terraform_data.d[each.key]
  id       = each.value
}
import {
  for_each = toset(["k"])
  to       = module.n[each.key].terraform_data.x["k"]
  id       = "id-${each.key}"
  provider = terraform
}
removed {
  from = terraform_data.gone
  lifecycle {
    destroy = false
  }
}
removed {
  from = module.gone
}
removed {
  from = module.m.terraform_data.gone
  connection {
    host = self.id
  }
  provisioner "remote-exec" {
    when   = destroy
    inline = ["rm ${self.id} ${each.key}"]
  }
}
check "well" {
  data "terraform_remote_state" "other" {
    backend = "local"
  }
  assert {
    condition     = data.terraform_remote_state.other.outputs != null
    error_message = "No outputs in ${data.terraform_remote_state.other.backend}."
  }
  assert {
    condition     = terraform_data.c.id != ""
    error_message = "No id."
  }
}
