terraform {
  required_version = ">= 1.5"
  required_providers {
    test = { source = "steadfast/test", version = "1.0" }
    mine = { source = "steadfast/test", configuration_aliases = [mine.other] }
  }
  backend "oss" {
    bucket = "x"
  }
}
provider "test" {}
resource "terraform_data" "one" {
  input            = { a = data.test_thing.found.id }
  triggers_replace = test_thing.dynamic_only.id
}
data "test_thing" "found" {
  name = "found"
  lifecycle {
    postcondition {
      condition     = self.size > 1
      error_message = "too small: ${self.size}"
    }
  }
}
resource "test_thing" "some" {
  for_each   = toset(["x", "y"])
  provider   = mine
  name       = each.key
  size       = "3"
  tags       = { Name = each.value }
  depends_on = [terraform_data.counted, data.test_thing.found]
  rule {
    port = 1
  }
  dynamic "rule" {
    for_each = { a = 80, b = 443 }
    content {
      port = rule.value
      note = "${each.key} ${rule.key}"
    }
  }
  rule { port = 2 }
  tag { port = 1 }
  dynamic "tag" {
    for_each = [1, 2]
    iterator = it
    content {
      port = it.value
      note = jsonencode(it)
    }
  }
  only { port = 9 }
  entry "a" { port = 1 }
  dynamic "entry" {
    for_each = { b = 2 }
    labels   = [entry.key]
    content { port = entry.value }
  }
  lifecycle {
    create_before_destroy = true
    prevent_destroy       = var.protect
    ignore_changes        = [tags["Name"], size, rule[0].port]
    replace_triggered_by  = [terraform_data.one, terraform_data.counted[each.key].output]
    precondition {
      condition     = each.value != ""
      error_message = "empty"
    }
  }
}
resource "terraform_data" "counted" {
  count = 2
  input = count.index
  lifecycle { ignore_changes = all }
}
resource "test_thing" "dynamic_only" {
  name = "d"
  dynamic "only" {
    for_each = var.protect ? [1] : []
    content { port = only.value }
  }
}
variable "protect" {
  type        = bool
  default     = "true"
  nullable    = false
  sensitive   = true
  description = "Whether."
  validation {
    condition     = var.protect || !var.protect
    error_message = "impossible"
  }
}
output "ids" {
  value       = [terraform_data.counted[0].id, terraform_data.counted[*].id, values(test_thing.some)[*].id]
  sensitive   = true
  depends_on  = [test_thing.some]
  description = "All."
  precondition {
    condition     = length(terraform_data.counted) == 2
    error_message = "two"
  }
}
