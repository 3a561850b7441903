terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
provider "test" {
  region = "x"
}
