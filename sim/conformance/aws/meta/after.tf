resource "aws_ssm_parameter" "kept" {
  name  = "/conformance/kept"
  type  = "String"
  value = "two"

  lifecycle {
    ignore_changes = [value]
  }
}

resource "aws_ssm_parameter" "new" {
  name  = "/conformance/moved"
  type  = "String"
  value = "two"
}

moved {
  from = aws_ssm_parameter.old
  to   = aws_ssm_parameter.new
}

resource "aws_ssm_parameter" "triggered" {
  name  = "/conformance/triggered"
  type  = "String"
  value = "one"

  lifecycle {
    replace_triggered_by = [aws_ssm_parameter.new.value]
  }
}

resource "aws_sqs_queue" "first" {
  name = "conformance-first-two"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_ssm_parameter" "once" {
  name             = "/conformance/once"
  type             = "SecureString"
  value_wo         = "canary-twice"
  value_wo_version = 2
}
