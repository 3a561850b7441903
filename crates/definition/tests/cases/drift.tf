resource "terraform_data" "healed" {
  lifecycle {
    drift = "heal"
  }
}
resource "terraform_data" "watched" {
  lifecycle {
    drift = "observe"
  }
}
resource "terraform_data" "told" {
  lifecycle {
    drift = "warn"
  }
}
resource "terraform_data" "silent" {}
