variable "a" { type = string }
variable "b" { type = list(number) }
variable "c" {}
variable "d" { type = object({ x = optional(number, 7), y = string }) }
variable "e" { type = any }
variable "f" { type = number }
variable "g" { 
  type = bool 
  default = false
}
