output "id" {
  value = "twice.c"
}
