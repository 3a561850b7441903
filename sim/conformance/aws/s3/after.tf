resource "aws_s3_bucket" "a" {
  bucket        = "conformance-bucket"
  force_destroy = true
  tags          = { Owner = "two" }
}

resource "aws_s3_bucket_versioning" "a" {
  bucket = aws_s3_bucket.a.id
  versioning_configuration {
    status = "Suspended"
  }
}

resource "aws_s3_bucket_public_access_block" "a" {
  bucket              = aws_s3_bucket.a.id
  block_public_acls   = true
  block_public_policy = true
}

data "aws_iam_policy_document" "a" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.a.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["123456789012"]
    }
  }
}

resource "aws_s3_bucket_policy" "a" {
  bucket     = aws_s3_bucket.a.id
  policy     = data.aws_iam_policy_document.a.json
  depends_on = [aws_s3_bucket_public_access_block.a]
}

resource "aws_s3_object" "a" {
  bucket  = aws_s3_bucket.a.id
  key     = "greeting.txt"
  content = "Hello, two!\n"
  # What a version is called is drawn anew for each.
  depends_on = [aws_s3_bucket_versioning.a]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "a" {
  bucket = aws_s3_bucket.a.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

output "domain" {
  value = aws_s3_bucket.a.bucket_regional_domain_name
}
