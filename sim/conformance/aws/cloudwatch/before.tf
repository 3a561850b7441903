resource "aws_cloudwatch_log_group" "a" {
  name              = "/conformance/logs"
  retention_in_days = 7
}

resource "aws_cloudwatch_log_stream" "a" {
  name           = "conformance-stream"
  log_group_name = aws_cloudwatch_log_group.a.name
}

resource "aws_cloudwatch_log_metric_filter" "a" {
  name           = "conformance-filter"
  pattern        = "ERROR"
  log_group_name = aws_cloudwatch_log_group.a.name
  metric_transformation {
    name      = "Errors"
    namespace = "Conformance"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "a" {
  alarm_name          = "conformance-alarm"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  metric_name         = "Errors"
  namespace           = "Conformance"
  period              = 60
  statistic           = "Sum"
  threshold           = 1.5
}

resource "aws_cloudwatch_dashboard" "a" {
  dashboard_name = "conformance"
  dashboard_body = jsonencode({ widgets = [{ type = "text", x = 0, y = 0, width = 3, height = 3, properties = { markdown = "one" } }] })
}
