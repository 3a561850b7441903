resource "aws_vpc" "a" {
  cidr_block           = "10.1.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "conformance" }
}

resource "aws_subnet" "a" {
  for_each          = { a = 0, b = 1 }
  vpc_id            = aws_vpc.a.id
  cidr_block        = cidrsubnet(aws_vpc.a.cidr_block, 8, each.value)
  availability_zone = "us-east-1${each.key}"
}

resource "aws_internet_gateway" "a" {
  vpc_id = aws_vpc.a.id
}

resource "aws_route_table" "a" {
  vpc_id = aws_vpc.a.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.a.id
  }
}

resource "aws_route_table_association" "a" {
  for_each       = aws_subnet.a
  subnet_id      = each.value.id
  route_table_id = aws_route_table.a.id
}

resource "aws_security_group" "a" {
  name        = "conformance-group"
  description = "Everything out."
  vpc_id      = aws_vpc.a.id

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "b" {
  name   = "conformance-other"
  vpc_id = aws_vpc.a.id
}

resource "aws_vpc_security_group_ingress_rule" "b" {
  security_group_id            = aws_security_group.b.id
  referenced_security_group_id = aws_security_group.a.id
  from_port                    = 80
  to_port                      = 80
  ip_protocol                  = "tcp"
}

resource "aws_eip" "a" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.a]
}

resource "aws_nat_gateway" "a" {
  allocation_id = aws_eip.a.id
  subnet_id     = aws_subnet.a["a"].id
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.a.id
  service_name = "com.amazonaws.us-east-1.s3"
}

resource "aws_network_acl" "a" {
  vpc_id = aws_vpc.a.id
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    cidr_block = "10.0.0.0/8"
    from_port  = 80
    to_port    = 80
  }
}
