resource "terraform_data" "a" {
  connection {
    user = "root"
    usr  = "x"
  }
  provisioner "locl-exec" {
    command = "x"
  }
  provisioner "chef" {}
  provisioner "local-exec" {
    comand     = "x"
    when       = destory
    on_failure = "ignore"
    lifecycle {}
  }
  provisioner "file" {
    destination = self.idd
  }
  provisioner "remote-exec" {
    inline = []
    script = "x"
    when   = destroy
    connection {
      host = terraform_data.b.id
    }
  }
}
resource "terraform_data" "b" {
  provisioner "local-exec" {
    when    = destroy
    command = "x ${terraform_data.a.id}"
  }
}
data "terraform_remote_state" "c" {
  backend = "local"
  provisioner "local-exec" {
    command = "x"
  }
}
