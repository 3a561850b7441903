project "p" {}
variable "needed" {}
environment "a" { variables = { needed = 1 } }
environment "b" {}
