resource "aws_cloudwatch_event_bus" "a" {
  name = "conformance-bus"
}

resource "aws_cloudwatch_event_rule" "a" {
  name           = "conformance-rule"
  description    = "One."
  event_bus_name = aws_cloudwatch_event_bus.a.name
  event_pattern  = jsonencode({ source = ["conformance"] })
}

resource "aws_sqs_queue" "a" {
  name = "conformance-events"
}

resource "aws_cloudwatch_event_target" "a" {
  rule           = aws_cloudwatch_event_rule.a.name
  event_bus_name = aws_cloudwatch_event_bus.a.name
  target_id      = "queue"
  arn            = aws_sqs_queue.a.arn
}
