data "aws_ami" "a" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "image-id"
    values = ["ami-12c6146b"]
  }
}

resource "aws_key_pair" "a" {
  key_name   = "conformance-key"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJDYkv0ICZlCGwHhb0K3f4UO4oTCmQO1vGPxQpxR5v4P conformance"
}

resource "aws_instance" "a" {
  ami           = data.aws_ami.a.id
  instance_type = "t3.micro"
  key_name      = aws_key_pair.a.key_name
  tags          = { Name = "conformance" }
}

resource "aws_ebs_volume" "a" {
  availability_zone = "us-east-1a"
  size              = 10
  type              = "gp3"
}

resource "aws_launch_template" "a" {
  name          = "conformance-template"
  image_id      = data.aws_ami.a.id
  instance_type = "t3.micro"
}

output "private_ip" {
  value = aws_instance.a.private_ip
}
