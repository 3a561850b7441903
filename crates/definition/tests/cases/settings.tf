terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
    test      = { "source" = "Steadfast/Test", version = "~> 1.0" }
    mine      = { source = "steadfast/test", configuration_aliases = [mine.west, mine, mine.east] }
    plain     = "1.0"
    empty     = {}
  }
  provider_meta "terraform" {
    note = "x"
  }
  experiments = []
  required_version = "~> 1.11, != 1.11.0"
  cloud {
    organization = "shop"
  }
}
