resource "test_thing" "a" {
  name = "x"
  lifecycle {
    retry {
      attempts = 0
      base     = "1 second"
      cap      = "0s"
      on       = ["(", null, "fine"]
      pause    = "1s"
    }
    retry {}
  }
}
resource "test_thing" "b" {
  name = "x"
  lifecycle {
    retry "label" {
      attempts = 1.5
      base     = "10s"
      cap      = "5s"
      on       = "quota"
    }
  }
}
resource "test_thing" "c" {
  name = "x"
  lifecycle {
    retry {
      attempts = var.attempts
      cap      = "61m"
    }
    retry = 3
  }
}
variable "attempts" {}
data "test_lookup" "d" {
  lifecycle {
    retry {}
  }
}
