terraform {
  required_providers {
    test = {
      source                = "steadfast/test"
      configuration_aliases = [test.west]
    }
  }
}
resource "test_thing" "a" {
  provider = test.east
  name     = "a"
}
