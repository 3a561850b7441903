locals {
  a = "‮ direction"
}
