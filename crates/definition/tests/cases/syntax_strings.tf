locals {
  a = "\q \u12 \UFFFFFFFF \$"
  b = "${}"
  c = "${1 2}"
  d = "%{if true}x"
  e = "%{endif}"
  f = "%{while true}x%{endwhile}"
  g = "%{for x in [1]}x%{endif}"
  h = "%{if true}x%{else}y%{else}z%{endif}"
  i = "%{1}"
  j = <<EOT x
  k = "ok"
}
