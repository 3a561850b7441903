terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
provider "test" {
}
resource "test_thing" "a" {
  name = "a"
}
