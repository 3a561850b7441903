locals {
  a = "over"
}
