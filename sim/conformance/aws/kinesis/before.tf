resource "aws_kinesis_stream" "a" {
  name             = "conformance-stream"
  shard_count      = 1
  retention_period = 24
}
