resource "aws_route53_zone" "a" {
  name    = "conformance.example"
  comment = "Two."
}

resource "aws_route53_record" "a" {
  zone_id = aws_route53_zone.a.zone_id
  name    = "www.conformance.example"
  type    = "A"
  ttl     = 120
  records = ["192.0.2.1", "192.0.2.3"]
}

resource "aws_route53_health_check" "a" {
  fqdn              = "www.conformance.example"
  port              = 80
  type              = "HTTP"
  resource_path     = "/"
  failure_threshold = 4
  request_interval  = 30
}
