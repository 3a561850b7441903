# Several mistakes, each found.
output "a" {
  value = [1 2]
}
output "b" {
  value = {
    a = 1 b = 2
  }
}
output "c" {
  value = "x
}
output "d" { value = 1
}
locals {
  x = 5 5
  y = foo(1 2)
  z = upper("a"
    "b")
  ok = 1
}
foo
"bar" = 1
= 2
output "e" { value = 1, description = "x" }
output "f" { locals {} }
output g h 1 {}
output "x${1}" {}
output "h" {
  value = 1
  value = 2
} output "i" { value = 1 }
