locals {
  a = "í €"
}
