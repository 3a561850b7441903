resource "aws_sns_topic" "a" {
  name         = "conformance-topic"
  display_name = "Two"
}

resource "aws_sqs_queue" "a" {
  name = "conformance-subscriber"
}

resource "aws_sns_topic_subscription" "a" {
  topic_arn            = aws_sns_topic.a.arn
  protocol             = "sqs"
  raw_message_delivery = true
  endpoint             = aws_sqs_queue.a.arn
}

resource "aws_sns_topic_policy" "a" {
  arn = aws_sns_topic.a.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Publish"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.a.arn
    }]
  })
}
