resource "aws_ecs_cluster" "a" {
  name = "conformance"
}

resource "aws_ecs_task_definition" "a" {
  family                = "conformance"
  container_definitions = jsonencode([{ name = "web", image = "web:1", cpu = 10, memory = 128, essential = true }])
}
