locals {
  text = provider::tf::encode_tfvars({ a = 1 })
}
