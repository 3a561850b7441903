resource "aws_kms_key" "a" {
  description             = "One."
  deletion_window_in_days = 7
  enable_key_rotation     = false
}

resource "aws_kms_alias" "a" {
  name          = "alias/conformance"
  target_key_id = aws_kms_key.a.key_id
}
