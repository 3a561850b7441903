resource "aws_dynamodb_table" "a" {
  name         = "conformance-table"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  range_key    = "at"

  attribute {
    name = "id"
    type = "S"
  }
  attribute {
    name = "at"
    type = "N"
  }

  ttl {
    attribute_name = "until"
    enabled        = true
  }

  tags = { Owner = "one" }
}

resource "aws_dynamodb_table_item" "a" {
  table_name = aws_dynamodb_table.a.name
  hash_key   = aws_dynamodb_table.a.hash_key
  range_key  = aws_dynamodb_table.a.range_key
  item       = jsonencode({ id = { S = "one" }, at = { N = "1" }, text = { S = "first" } })
}
