resource "terraform_data" "healed" {
  lifecycle {
    drift = "heal"
  }
}
resource "terraform_data" "wrong" {
  lifecycle {
    drift = "ignore"
  }
}
resource "terraform_data" "computed" {
  lifecycle {
    drift = var.policy
  }
}
data "terraform_remote_state" "read" {
  backend = "local"
  lifecycle {
    drift = "warn"
  }
}
variable "policy" {
  default = "warn"
}
