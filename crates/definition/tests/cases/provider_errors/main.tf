terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
provider "test" {
  alias  = "west"
  region = "west"
}
provider "test" {
  alias    = "keyed"
  for_each = toset(["a"])
  count    = 1
  lifecycle {}
}
provider "test" {
  for_each = toset(["a"])
  regoin   = "x"
}
provider "test" {
  alias = "west"
}
provider "Test" {}
provider "other" {}
provider "test" {
  alias = "a b"
}
resource "test_thing" "a" {
  provider = test.wset
  name     = "a"
}
resource "test_thing" "b" {
  provider = test.west["a"]
  name     = "a"
}
resource "test_thing" "c" {
  provider = test.keyed
  name     = "a"
}
resource "test_thing" "d" {
  provider = test["a"].x
  name     = "a"
}
module "missing" {
  source = "./m"
}
module "wrong" {
  source = "./m"
  providers = {
    test.west = test.nowhere
    test.more = test.west
    test.west = test.west
    other     = test.west
    test      = upper("x")
    1         = test
  }
}
module "list" {
  source    = "./m"
  providers = [test]
}
module "own_count" {
  source = "./own"
  count  = 1
}
module "own_depends" {
  source     = "./above"
  depends_on = [test_thing.a]
}
module "own_handed_in" {
  source = "./own"
  providers = {
    test = test.west
  }
}
module "other_provider" {
  source = "./other"
  providers = {
    test = test.west
  }
}
module "unused" {
  source = "./unused"
  providers = {
    test = test.west
  }
}
