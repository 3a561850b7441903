resource "aws_secretsmanager_secret" "a" {
  name                    = "conformance-secret"
  description             = "Two."
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "a" {
  secret_id     = aws_secretsmanager_secret.a.id
  secret_string = jsonencode({ user = "two", password = "canary" })
}
