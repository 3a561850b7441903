terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
resource "test_thing" "a" {
  name = "a"
}
output "region" {
  value = test_thing.a.id
}
