resource "aws_ses_email_identity" "a" {
  email = "two@conformance.example"
}

resource "aws_ses_template" "a" {
  name    = "conformance"
  subject = "Two"
  text    = "Hello, {{name}}."
}
