colour = "red"
resource "terraform_data" {}
resource "terraform_data" "1st" {}
resource "terraform_data" "twice" {}
resource "terraform_data" "twice" {}
resource "terraform_date" "typo" {}
resource "test_thnig" "typo" {}
resource "aws_instance" "unknown" {}
resource "test_thing" "arguments" {
  nmae  = "x"
  id    = "y"
  rule  = []
  count = 1
  for_each = {}
  tags { a = 1 }
  rules { port = 1 }
  rule {}
  rule { port = 1 }
  rule { port = 1 }
  rule { port = 1 }
  only { port = 1 }
  only { port = 2 }
  lifecycle {
    ignore_changes        = true
    create_before_destroy = var.x
    prevent_destory       = true
  }
  lifecycle {
    ignore_changes       = ["tags", tgas]
    replace_triggered_by = [var.x]
  }
  provisioner "local-exec" {}
  provider = test.west
  depends_on = ["terraform_data.twice", 1]
  dynamic "rule" {
    for_each = []
  }
  dynamic "rule" {
    labels = []
    content { port = 1 }
  }
  dynamic "entry" {
    for_each = []
    content { port = 1 }
  }
  dynamic "nothing" {
    for_each = []
    content {}
  }
}
resource "test_strict" "few" {
  depends_on = terraform_data.twice
}
resource "terraform_data" "later" {
  lifecycle {
    replace_triggered_by = [var.x]
    ignore_changes       = ["input", inptu]
  }
}
variable "x" {
  type    = strin
  default = local.a
  typ     = 1
}
variable "y" {
  type    = number
  default = "one"
}
variable "z" {
  type = object({ a = optional(number, "x"), b = optional(), "c" = string, d = list(string, string), d = tuple(string), e = object(string) })
}
variable "q" {
  type = "string"
}
variable "r" {
  type     = optional(string)
  nullable = false
  default  = null
}
variable "s" {
  type      = foo(string)
  ephemeral = true
}
variable "count" {}
variable "w" { type = [1] }
output "x" {}
output "y" {
  value = 1
  precondition { condition = true }
}
moved {
  from = a.b
  to   = a.c
}
check "c" {}
artifact "web" {}
resources "a" "b" {}
provider "test" {
  alias  = "west"
  region = "x"
}
terraform {
  experiments = []
  provider_meta "x" {}
  cloud {}
}
locals {
  a = 1
  a2 {}
}
locals { a = 2 }
