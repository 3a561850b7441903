locals {
  t0 = [1]
  t1 = [local.t0, local.t0, local.t0, local.t0, local.t0, local.t0, local.t0, local.t0, local.t0, local.t0]
  t2 = [local.t1, local.t1, local.t1, local.t1, local.t1, local.t1, local.t1, local.t1, local.t1, local.t1]
  t3 = [local.t2, local.t2, local.t2, local.t2, local.t2, local.t2, local.t2, local.t2, local.t2, local.t2]
  t4 = [local.t3, local.t3, local.t3, local.t3, local.t3, local.t3, local.t3, local.t3, local.t3, local.t3]
  t5 = [local.t4, local.t4, local.t4, local.t4, local.t4, local.t4, local.t4, local.t4, local.t4, local.t4]
  t6 = [local.t5, local.t5, local.t5, local.t5, local.t5, local.t5, local.t5, local.t5, local.t5, local.t5]
  t7 = [local.t6, local.t6, local.t6, local.t6, local.t6, local.t6, local.t6, local.t6, local.t6, local.t6]
  t8 = [local.t7, local.t7, local.t7, local.t7, local.t7, local.t7, local.t7, local.t7, local.t7, local.t7]
  t9 = [local.t8, local.t8, local.t8, local.t8, local.t8, local.t8, local.t8, local.t8, local.t8, local.t8]
  t10 = [local.t9, local.t9, local.t9, local.t9, local.t9, local.t9, local.t9, local.t9, local.t9, local.t9]
  t11 = [local.t10, local.t10, local.t10, local.t10, local.t10, local.t10, local.t10, local.t10, local.t10, local.t10]
}
output "o" {
  value = length(flatten(local.t11))
}
