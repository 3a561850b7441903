resource "aws_ssm_parameter" "text" {
  name        = "/conformance/text"
  type        = "String"
  value       = "two"
  description = "A text."
  tags        = { Owner = "two", Team = "b" }
}

resource "aws_ssm_parameter" "list" {
  name  = "/conformance/renamed"
  type  = "StringList"
  value = join(",", ["a", aws_ssm_parameter.text.name])
}

resource "aws_ssm_parameter" "secure" {
  for_each = toset(["y", "z"])
  name     = "/conformance/secure/${each.key}"
  type     = "SecureString"
  value    = "secret-${each.key}"
}

output "version" {
  value = aws_ssm_parameter.text.version
}
