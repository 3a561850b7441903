locals {
  a = <<-EOT
${1}	%{ if true ~}
　${1}	%{ if true ~}
　　${1}	%{ if true ~}
　　　${1}	%{ if true ~}
　　　　${1}	%{ if true ~}
　　　　　${1}	%{ if true ~}
　　　　　　${1}	%{ if true ~}
${1}	%{ if true ~}
　${1}	%{ if true ~}
　　${1}	%{ if true ~}
　　　${1}	%{ if true ~}
　　　　${1}	%{ if true ~}
　　　　　${1}	%{ if true ~}
　　　　　　${1}	%{ if true ~}
${1}	%{ if true ~}
　${1}	%{ if true ~}
　　${1}	%{ if true ~}
　　　${1}	%{ if true ~}
　　　　${1}	%{ if true ~}
　　　　　${1}	%{ if true ~}
　　　　　　${1}	%{ if true ~}
${1}	%{ if true ~}
　${1}	%{ if true ~}
　　${1}	%{ if true ~}
　　　${1}	%{ if true ~}
　　　　${1}	%{ if true ~}
　　　　　${1}	%{ if true ~}
　　　　　　${1}	%{ if true ~}
${1}	%{ if true ~}
　${1}	%{ if true ~}
　　${1}	%{ if true ~}
　　　${1}	%{ if true ~}
　　　　${1}	%{ if true ~}
　　　　　${1}	%{ if true ~}
　　　　　　${1}	%{ if true ~}
${1}	%{ if true ~}
　${1}	%{ if true ~}
　　${1}	%{ if true ~}
　　　${1}	%{ if true ~}
　　　　${1}	%{ if true ~}
  EOT
}
