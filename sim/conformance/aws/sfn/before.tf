resource "aws_sfn_activity" "a" {
  name = "conformance-activity"
  tags = { Owner = "one" }
}
