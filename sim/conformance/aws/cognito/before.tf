resource "aws_cognito_user_pool" "a" {
  name = "conformance"
  password_policy {
    minimum_length                   = 8
    temporary_password_validity_days = 7
  }
}

resource "aws_cognito_user_pool_client" "a" {
  name         = "conformance-client"
  user_pool_id = aws_cognito_user_pool.a.id
}
