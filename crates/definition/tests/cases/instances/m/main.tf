variable "b" {
  type    = number
  default = 1
}
variable "c" {
  nullable = false
}
variable "d" {
  type    = object({ e = number, f = string })
  default = null
}
output "a" {
  value = 1
}
