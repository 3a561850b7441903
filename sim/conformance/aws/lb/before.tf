resource "aws_vpc" "a" {
  cidr_block = "10.2.0.0/16"
}

resource "aws_subnet" "a" {
  count             = 2
  vpc_id            = aws_vpc.a.id
  cidr_block        = cidrsubnet(aws_vpc.a.cidr_block, 8, count.index)
  availability_zone = element(["us-east-1a", "us-east-1b"], count.index)
}

resource "aws_lb" "a" {
  name               = "conformance"
  internal           = true
  load_balancer_type = "application"
  subnets            = aws_subnet.a[*].id
  idle_timeout       = 60
}

resource "aws_lb_target_group" "a" {
  name     = "conformance-targets"
  port     = 80
  protocol = "HTTP"
  vpc_id   = aws_vpc.a.id
  health_check {
    path = "/"
  }
}

resource "aws_lb_listener" "a" {
  load_balancer_arn = aws_lb.a.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.a.arn
  }
}
