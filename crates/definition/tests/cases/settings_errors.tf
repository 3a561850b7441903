terraform {
  required_versio = "1"
  experiments     = [bla]
  backend "locl" {
    path = "x"
  }
  backend "local" {
    path = "x"
  }
  cloud {}
  foo {}
  provider_meta {}
  provider_meta "aws" {}
  provider_meta "aws" {}
  required_providers {
    a     = [1]
    b     = { source = "x/y/z/w" }
    c     = { source = "Foo/bar", vesion = "1", foo = 1 }
    d     = { source = "hashicorp/terraform-aws" }
    e     = { configuration_aliases = [e.x, f.x, e, e.y.z] }
    f     = { configuration_aliases = "f.x" }
    UPPER = { source = "a/b" }
    g     = 1
    n     = { version = "abc" }
    o     = "newest"
    h     = { source = var.x }
    i     = { version = null, source = 5 }
    j     = { source = "host/a/b" }
    k     = { source = "a--b/c" }
    l     = { source = "a/b_c" }
    m {}
  }
  required_providers {}
}
terraform {
  required_version = ">= 1.20"
}
terraform {
  required_version = ">= 1.0, foo"
}
