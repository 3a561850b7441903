variable "old" {
  deprecated = "Use new instead."
  default    = 1
}
output "name" {
  deprecated = "Use id instead."
  value      = "m"
}
