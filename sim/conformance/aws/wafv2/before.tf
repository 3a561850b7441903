resource "aws_wafv2_ip_set" "a" {
  name               = "conformance"
  scope              = "REGIONAL"
  ip_address_version = "IPV4"
  addresses          = ["192.0.2.0/24", "198.51.100.0/24"]
}
