variable "password" {
  default   = "correct horse"
  sensitive = true
}

variable "size" {
  default = 1
}

module "m" {
  source = "./m"
  count  = 2
  input  = "${terraform_data.a.id}/${count.index}"
}

resource "terraform_data" "a" {
  input            = { secret = var.password, size = var.size }
  triggers_replace = var.size
}

resource "host_file" "f" {
  path    = "f.txt"
  content = "size ${var.size}\n"
  mode    = "0644"
}

check "size" {
  assert {
    condition     = var.size < 3
    error_message = "It is large."
  }
}

output "ids" {
  value = module.m[*].id
}
