module "never" {
  source = "git::https://example.com/net.git"
}

module "old" {
  source = "acme/net/aws"
}

module "new" {
  source  = "acme/net/aws"
  version = "~> 1.3"
}

module "gone" {
  source = "git::https://example.com/gone.git"
}

module "esc" {
  source = "git::https://example.com/esc.git"
}

module "twice" {
  source = "./net"
}

module "again" {
  source = "./net"
}

module "path" {
  source = "modules/net"
}

module "versioned" {
  source  = "./net"
  version = "1.0.0"
}

module "unreadable" {
  source  = "acme/net/aws"
  version = "=> 1"
}
