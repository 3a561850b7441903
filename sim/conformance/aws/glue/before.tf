resource "aws_glue_catalog_database" "a" {
  name        = "conformance"
  description = "One."
}

resource "aws_glue_catalog_table" "a" {
  name          = "conformance_table"
  database_name = aws_glue_catalog_database.a.name
  parameters    = { classification = "json" }
  storage_descriptor {
    location = "s3://conformance/one"
    columns {
      name = "id"
      type = "string"
    }
  }
}
