locals {
  a = 1 +
  b = (1
  c = true ? 1
  d = [for x : x]
  e = [for x in [1] x]
  f = {for x in [1] : x}
  g = [for x in [1] : x => x]
  h = [for x in [1] : x...]
  i = {for = 1}
  j = a.
  k = a.0.0
  l = a[*
  m = f(x... , y)
  n = {a.b = 1}
  o = a.*.b.*
  p = core::
  q = core::upper
  r = !
  s = 'x'
  t = `x`
  u = a & b
  v = a | b
  w = a;
  x = ${a}
  y = [1, 2
