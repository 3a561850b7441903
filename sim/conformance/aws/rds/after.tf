resource "aws_db_parameter_group" "a" {
  name   = "conformance"
  family = "postgres16"
  parameter {
    name  = "log_connections"
    value = "0"
  }
}

resource "aws_db_instance" "a" {
  identifier          = "conformance"
  engine              = "postgres"
  instance_class      = "db.t3.micro"
  allocated_storage   = 30
  username            = "conformance"
  password            = "canary-password"
  skip_final_snapshot = true
  apply_immediately   = true
}
