resource "aws_ssm_parameter" "text" {
  name        = "/conformance/text"
  type        = "String"
  value       = "one"
  description = "A text."
  tags        = { Owner = "one" }
}

resource "aws_ssm_parameter" "list" {
  name  = "/conformance/list"
  type  = "StringList"
  value = join(",", ["a", "b", aws_ssm_parameter.text.name])
}

resource "aws_ssm_parameter" "secure" {
  for_each = toset(["x", "y"])
  name     = "/conformance/secure/${each.key}"
  type     = "SecureString"
  value    = "secret-${each.key}"
}

output "version" {
  value = aws_ssm_parameter.text.version
}
