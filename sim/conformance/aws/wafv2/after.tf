resource "aws_wafv2_ip_set" "a" {
  name               = "conformance"
  scope              = "REGIONAL"
  ip_address_version = "IPV4"
  addresses          = ["192.0.2.0/24", "203.0.113.0/24"]
}
