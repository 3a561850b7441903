resource "aws_launch_template" "a" {
  name          = "conformance-scaling"
  image_id      = "ami-12c6146b"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "a" {
  name               = "conformance-scaling"
  availability_zones = ["us-east-1a"]
  min_size           = 0
  max_size           = 3
  desired_capacity   = 0
  launch_template {
    id      = aws_launch_template.a.id
    version = aws_launch_template.a.latest_version
  }
}
