resource "test_thing" "patient" {
  name = "x"
  lifecycle {
    retry {
      attempts = 100
      base     = "250ms"
      cap      = "1m30s"
      on       = ["(?i)quota", "still being \\w+ed"]
    }
  }
}
resource "test_thing" "plain" {
  name = "y"
  lifecycle {
    retry {}
  }
}
