# What each form becomes.
variable "list" { default = [1, 2] }
variable "map" { default = { a = 1 } }
locals {
  number      = 1.50e1
  big         = 123456789012345678901234567890
  negative    = -local.object.x
  precedence  = 1 + 2 * 3 == 7 && !false || 4 > 3 ? "a" : "b"
  chained     = true ? 1 : false ? 2 : 3
  text        = "a ${var.list[0]} $${b} %%{c} \t\"\\\u00e9"
  unwrapped   = "${var.list}"
  kept        = " ${var.list}"
  trimmed     = "a  ${~ 1 ~}  b"
  directives  = "%{ if var.list[0] == 1 }yes%{ else }no%{ endif } %{ for k, v in var.map ~} ${k}=${v} %{~ endfor }"
  heredoc     = <<EOT
line one
  line $${two}
EOT
  flush       = <<-EOT
      deep ${1}
        deeper

      end
    EOT
  calls       = max(var.list...)
  namespaced  = core::upper("a")
  tuple       = [for i, x in var.list : x + i if x > 1]
  object      = { for k, v in var.map : upper(k) => v... if v != null }
  splats      = [var.list[*].a[0], var.list.*.a[0], var.list[*].a[*].b]
  legacy      = var.list.0
  keys        = { plain = 1, "quoted" = 2, (local.text) = 3, "t${1}" : 4, 5 = 6 }
  shadowed    = [for var in [1] : var]
  lines       = [
    1, # one
    (2
      + 3),
  ]
  everything  = [path.module, path.root, path.cwd, terraform.workspace]
}
