# What the shop needs on its machine before anything runs: plain Terraform, nothing of Steadfast in it.

variable "data_dir" {
  description = "Directory for the shop's files. Its parent must exist."
  type        = string
  default     = "data"
}

variable "greeting" {
  description = "First line of the page."
  type        = string
  default     = "Welcome"
}

resource "host_directory" "data" {
  path = var.data_dir
  mode = "0755"
}

# The greeting as it was agreed on, for whoever looks at the machine.
resource "host_file" "greeting" {
  path    = "${host_directory.data.path}/greeting.txt"
  content = "${var.greeting}\n"
  mode    = "0644"
}

# Stands for something that only the outside can name, such as a database: its id is known after it is made.
resource "terraform_data" "shop" {
  input            = var.greeting
  triggers_replace = var.data_dir
}

output "greeting" {
  description = "What the page says first."
  value       = terraform_data.shop.output
}

output "greeting_file" {
  value = host_file.greeting.path
}

output "shop_id" {
  description = "Names this shop among others. Changes when its directory does."
  value       = terraform_data.shop.id
}
