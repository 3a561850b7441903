resource "aws_apigatewayv2_api" "a" {
  name          = "conformance"
  protocol_type = "HTTP"
  description   = "One."
}
