output "own" { value = file("${path.module}/own.txt") }
