resource "aws_kinesis_stream" "a" {
  name             = "conformance-stream"
  shard_count      = 2
  retention_period = 48
}
