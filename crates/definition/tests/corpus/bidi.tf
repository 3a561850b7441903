locals {
  a = "‮⁦" # ⁩
}
