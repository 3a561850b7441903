locals {
  a = "Ã