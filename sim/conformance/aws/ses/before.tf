resource "aws_ses_email_identity" "a" {
  email = "one@conformance.example"
}

resource "aws_ses_template" "a" {
  name    = "conformance"
  subject = "One"
  text    = "Hello, {{name}}."
}
