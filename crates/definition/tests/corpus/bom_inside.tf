locals {
  a = "﻿" ﻿
}
