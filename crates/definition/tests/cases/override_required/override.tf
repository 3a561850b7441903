terraform {
  required_providers {
    test = { source = "steadfast/test" }
    more = { source = "hashicorp/more" }
  }
}
