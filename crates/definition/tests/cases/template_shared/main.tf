module "a" {
  source = "./m"
  which  = "a"
}
module "b" {
  source = "./m"
  which  = "b"
}
