terraform {
  required_providers {
    test = { source = "steadfast/test", version = "~> 1.0" }
    mine = { source = "steadfast/test" }
  }
}
variable "regions" {
  default = ["a", "b"]
}
variable "token" {
  ephemeral = true
}
provider "test" {
  region = "home"
  token  = var.token
}
provider "test" {
  alias  = "west"
  region = "west"
}
provider "test" {
  alias    = "by_region"
  for_each = toset(var.regions)
  region   = each.key
}
provider "mine" {
  version = "1.0"
  _ {
    count = 2
  }
}
resource "test_thing" "default" {
  name = "a"
}
resource "test_thing" "west" {
  provider = test.west
  name     = "a"
}
resource "test_thing" "quoted" {
  provider = "test.west"
  name     = "a"
}
resource "test_thing" "each" {
  provider = test.by_region[each.key]
  for_each = toset(var.regions)
  name     = each.value
}
resource "test_thing" "one" {
  provider = test.by_region["a"]
  name     = "a"
}
resource "test_thing" "mine" {
  provider = mine
  name     = "a"
}
data "test_thing" "found" {
  provider = test.west
  name     = "a"
}
module "m" {
  source = "./m"
  for_each = toset(var.regions)
  providers = {
    test      = test.by_region[each.key]
    test.west = test.west
  }
}
