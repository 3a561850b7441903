resource "aws_ssm_parameter" "kept" {
  name  = "/conformance/kept"
  type  = "String"
  value = "one"

  lifecycle {
    ignore_changes = [value]
  }
}

resource "aws_ssm_parameter" "old" {
  name  = "/conformance/moved"
  type  = "String"
  value = "one"
}

resource "aws_ssm_parameter" "triggered" {
  name  = "/conformance/triggered"
  type  = "String"
  value = "one"

  lifecycle {
    replace_triggered_by = [aws_ssm_parameter.old.value]
  }
}

resource "aws_sqs_queue" "first" {
  name = "conformance-first-one"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_ssm_parameter" "gone" {
  name  = "/conformance/gone"
  type  = "String"
  value = aws_sqs_queue.first.arn
}

resource "aws_ssm_parameter" "once" {
  name             = "/conformance/once"
  type             = "SecureString"
  value_wo         = "canary-once"
  value_wo_version = 1
}
