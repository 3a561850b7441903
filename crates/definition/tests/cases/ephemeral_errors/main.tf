terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
variable "secret" {
  ephemeral = true
  default   = "x"
}
ephemeral "test_token" "a" {
  lenght = 1
  lifecycle {
    prevent_destroy       = true
    create_before_destroy = true
  }
  provisioner "local-exec" {
    command = "x"
  }
}
ephemeral "test_token" "a" {}
ephemeral "test_thing" "a" {}
ephemeral "test_token" "b" {
  count = length(ephemeral.test_token.a.valu)
}
resource "test_sealed" "a" {
  name   = var.secret
  secret = var.secret
  lock {
    name = ephemeral.test_token.a.value
    code = ephemeral.test_token.a.value
  }
}
resource "test_thing" "a" {
  name = "a"
  tags = { a = var.secret }
  dynamic "rule" {
    for_each = [1]
    content {
      port = ephemeral.test_token.a.value
    }
  }
}
resource "test_thing" "b" {
  for_each = toset([var.secret])
  name     = "a"
}
output "a" {
  value = ephemeral.test_token.a.value
}
output "b" {
  value     = var.secret
  ephemeral = true
}
module "m" {
  source = "./m"
  given  = var.secret
  other  = 1
}
resource "test_sealed" "back" {
  name = module.m.back
}
output "applies" {
  value = terraform.applying
}
