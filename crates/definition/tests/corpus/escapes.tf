locals {
  a = "\u\U\u1\U0010FFFF\U00110000\uD800\x\"
  b = "$${%%{$$${$%{"
}
