resource "aws_iam_role" "a" {
  name = "conformance-lambda"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_s3_bucket" "a" {
  bucket = "conformance-code"
}

resource "aws_s3_object" "a" {
  bucket = aws_s3_bucket.a.id
  key    = "code.zip"
  # An archive without members.
  content_base64 = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="
}

resource "aws_lambda_function" "a" {
  function_name = "conformance"
  role          = aws_iam_role.a.arn
  s3_bucket     = aws_s3_bucket.a.id
  s3_key        = aws_s3_object.a.key
  handler       = "main.handler"
  runtime       = "python3.12"
  timeout       = 3
  environment {
    variables = { GREETING = "one" }
  }
}

resource "aws_lambda_permission" "a" {
  statement_id  = "events"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.a.function_name
  principal     = "events.amazonaws.com"
}

resource "aws_lambda_alias" "a" {
  name             = "live"
  function_name    = aws_lambda_function.a.function_name
  function_version = "$LATEST"
}
