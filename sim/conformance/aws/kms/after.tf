resource "aws_kms_key" "a" {
  description             = "Two."
  deletion_window_in_days = 7
  enable_key_rotation     = true
}

resource "aws_kms_alias" "a" {
  name          = "alias/conformance-two"
  target_key_id = aws_kms_key.a.key_id
}
