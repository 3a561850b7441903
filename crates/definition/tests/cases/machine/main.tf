# What functions ask of the machine besides the content of files is carried by the release as well.
locals {
  texts    = fileset("d", "*.txt")
  all      = core::fileset(path.module, "d/**")
  outside  = fileset("d", "../*.md")
  too_much = fileset("nowhere", "*")
}
output "directory" { value = can(fileexists("d")) }
output "known" { value = try(nosuch(1), "no such function") }
