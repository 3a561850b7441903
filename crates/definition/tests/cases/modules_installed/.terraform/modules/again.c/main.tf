output "id" {
  value = "again.c"
}
