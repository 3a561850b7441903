module "net" {
  source  = "./net"
  sise    = 1
  version = "1"
  extra {}
}
module "many" {
  source = "./net"
  count  = 2
  size   = count.index
}
output "x" {
  value = [module.net.iid, module.net[0].id, module.many.id, module.many[0].idd, module.nte, module.many[0]]
}
