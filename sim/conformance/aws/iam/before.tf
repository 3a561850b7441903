data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "a" {
  name               = "conformance-role"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  description        = "One."
}

resource "aws_iam_policy" "a" {
  name = "conformance-policy"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:ListBucket"], Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.a.name
  policy_arn = aws_iam_policy.a.arn
}

resource "aws_iam_role_policy" "a" {
  name = "conformance-inline"
  role = aws_iam_role.a.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "ec2:Describe*", Resource = "*" }]
  })
}

resource "aws_iam_instance_profile" "a" {
  name = "conformance-profile"
  role = aws_iam_role.a.name
}

resource "aws_iam_user" "a" {
  count = 2
  name  = "conformance-user-${count.index}"
  path  = "/people/"
}

resource "aws_iam_group" "a" {
  name = "conformance-group"
}

resource "aws_iam_group_membership" "a" {
  name  = "conformance-members"
  group = aws_iam_group.a.name
  users = aws_iam_user.a[*].name
}

resource "aws_iam_user_policy_attachment" "a" {
  user       = aws_iam_user.a[0].name
  policy_arn = aws_iam_policy.a.arn
}
