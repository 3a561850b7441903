terraform {
  required_providers {
    test = { source = "elsewhere/test" }
  }
}
