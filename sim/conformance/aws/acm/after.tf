resource "aws_acm_certificate" "a" {
  domain_name               = "conformance.example"
  subject_alternative_names = ["api.conformance.example"]
  validation_method         = "DNS"
  tags                      = { Owner = "two" }

  lifecycle {
    create_before_destroy = true
  }
}

output "names" {
  value = sort([for one in aws_acm_certificate.a.domain_validation_options : one.resource_record_name])
}
