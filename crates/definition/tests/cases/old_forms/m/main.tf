variable "old" {
  deprecated = "Use new instead."
  default    = 1
}
