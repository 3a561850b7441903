resource "aws_ssm_document" "a" {
  name          = "conformance-document"
  document_type = "Command"
  content = jsonencode({
    schemaVersion = "1.2"
    description   = "Says something."
    parameters    = {}
    runtimeConfig = {
      "aws:runShellScript" = { properties = [{ id = "0.aws:runShellScript", runCommand = ["echo two"] }] }
    }
  })
}
