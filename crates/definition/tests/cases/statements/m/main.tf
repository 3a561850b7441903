resource "terraform_data" "x" {
  for_each = { k = 1 }
}
moved {
  from = terraform_data.y
  to   = terraform_data.x["k"]
}
