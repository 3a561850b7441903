resource "aws_route53_zone" "a" {
  name    = "conformance.example"
  comment = "One."
}

resource "aws_route53_record" "a" {
  zone_id = aws_route53_zone.a.zone_id
  name    = "www.conformance.example"
  type    = "A"
  ttl     = 60
  records = ["192.0.2.1", "192.0.2.2"]
}

resource "aws_route53_health_check" "a" {
  fqdn              = "www.conformance.example"
  port              = 80
  type              = "HTTP"
  resource_path     = "/"
  failure_threshold = 3
  request_interval  = 30
}
