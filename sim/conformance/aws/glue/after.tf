resource "aws_glue_catalog_database" "a" {
  name        = "conformance"
  description = "Two."
}

resource "aws_glue_catalog_table" "a" {
  name          = "conformance_table"
  database_name = aws_glue_catalog_database.a.name
  parameters    = { classification = "json" }
  storage_descriptor {
    location = "s3://conformance/two"
    columns {
      name = "id"
      type = "string"
    }
  }
}
