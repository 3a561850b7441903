output "id" {
  value = "var/modules/beside"
}
