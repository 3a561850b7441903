resource "terraform_data" "r" {}
locals {
  a = file("nowhere.txt")
  b = file("../outside.txt")
  c = file("/etc/passwd")
  d = templatefile("bad.tftpl", {})
  e = templatefile(terraform_data.r.id, {})
  f = templatefile("x.tftpl")
  g = templatefile("nowhere.tftpl", {})
}
