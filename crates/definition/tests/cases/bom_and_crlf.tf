locals {
  a = "x" # comment
  b = <<EOT
line
EOT
}
