terraform {
  required_providers {
    test = { source = "steadfast/test" }
  }
}
resource "terraform_data" "a" {
  for_each = { x = 1 }
  connection {
    host = self.id
    user = "root"
    port = "22"
  }
  provisioner "local-exec" {
    command     = "echo ${self.id} ${each.value}"
    environment = { A = each.key }
    on_failure  = continue
  }
  provisioner "file" {
    source      = "a"
    destination = terraform_data.a["x"].id
    connection {
      user = "admin"
      type = "winrm"
    }
  }
  provisioner "remote-exec" {
    when   = "destroy"
    inline = ["stop ${each.key}"]
    _ {
      script = null
    }
  }
}
