data "aws_caller_identity" "a" {}

data "aws_region" "a" {}

data "aws_partition" "a" {}

data "aws_availability_zones" "a" {
  state = "available"
}

resource "aws_ssm_parameter" "a" {
  name  = "/conformance/other"
  type  = "String"
  value = "${data.aws_partition.a.partition}:${data.aws_caller_identity.a.account_id}:${data.aws_region.a.name}"
}

# Read again only when the parameter changes.
data "aws_ssm_parameter" "a" {
  name       = aws_ssm_parameter.a.name
  depends_on = [aws_ssm_parameter.a]
}

output "value" {
  value     = data.aws_ssm_parameter.a.value
  sensitive = true
}

output "zones" {
  value = data.aws_availability_zones.a.names
}
