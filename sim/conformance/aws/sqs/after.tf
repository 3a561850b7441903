resource "aws_sqs_queue" "dead" {
  name = "conformance-deader"
}

resource "aws_sqs_queue" "a" {
  name                       = "conformance-queue"
  visibility_timeout_seconds = 60
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "ordered" {
  name                        = "conformance-ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = false
}

resource "aws_sqs_queue_policy" "a" {
  queue_url = aws_sqs_queue.a.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Send"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.a.arn
    }]
  })
}

output "url" {
  value = aws_sqs_queue.a.url
}
