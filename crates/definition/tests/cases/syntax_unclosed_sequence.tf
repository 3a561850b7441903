locals {
  a = <<EOT
text ${ 1
EOT
}
