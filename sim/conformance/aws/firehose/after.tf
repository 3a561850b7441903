resource "aws_iam_role" "a" {
  name = "conformance-firehose"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "firehose.amazonaws.com" } }]
  })
}

resource "aws_s3_bucket" "a" {
  bucket = "conformance-firehose"
}

resource "aws_kinesis_firehose_delivery_stream" "a" {
  name        = "conformance-firehose"
  destination = "extended_s3"
  extended_s3_configuration {
    role_arn           = aws_iam_role.a.arn
    bucket_arn         = aws_s3_bucket.a.arn
    buffering_size     = 10
    buffering_interval = 300
  }
}
