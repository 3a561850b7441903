locals {
  b = "from b_override.tf"
}
