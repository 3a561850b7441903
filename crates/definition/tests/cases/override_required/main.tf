terraform {
  required_providers {
    test  = { source = "hashicorp/test" }
    other = { source = "hashicorp/other", version = "1.0" }
  }
}
