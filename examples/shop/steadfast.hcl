# How the shop gets from its source to production.

project "shop" {}

variable "greeting" {
  description = "First line of the page."
  type        = string
  default     = "Welcome to the shop"
}

variable "data_dir" {
  description = "Where this environment keeps its files, relative to this directory."
  type        = string
}

variable "web_replicas" {
  type    = number
  default = 1
}

# What must be there before anything runs.
stack "base" {
  source   = "./infra"
  data_dir = var.data_dir
  greeting = var.greeting
}

# What is built. A build sees only the variables that it names; the same source always gives the same artifact.
artifact "catalog" {
  source  = "./catalog"
  build   = ["rustc", "--edition=2021", "-C", "opt-level=1", "-C", "strip=symbols", "-o", "catalog", "src/main.rs"]
  inherit = ["PATH", "HOME", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"]
  files   = { "catalog" = "catalog" }
  run     = ["./catalog"]
  timeout = "5m"
}

artifact "web" {
  source  = "./web"
  build   = ["rustc", "--edition=2021", "-C", "opt-level=1", "-C", "strip=symbols", "-o", "web", "src/main.rs"]
  inherit = ["PATH", "HOME", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"]
  files   = { "web" = "web" }
  run     = ["./web"]
  timeout = "5m"
}

# What runs. Port 0 lets the router choose one and keep it.
service "catalog" {
  artifact   = artifact.catalog
  replicas   = 1
  port       = 0
  stop_grace = "5s"
  memory     = "1GiB"

  health {
    path     = "/healthz"
    interval = "500ms"
    timeout  = "1s"
    deadline = "20s"
  }

  rollout "rolling" {}
}

service "web" {
  artifact   = artifact.web
  replicas   = var.web_replicas
  port       = 0
  stop_grace = "5s"
  memory     = "1GiB"
  depends_on = [service.catalog]

  env = {
    GREETING    = stack.base.greeting
    CATALOG_URL = "http://127.0.0.1:${service.catalog.port}"
  }

  health {
    path     = "/healthz"
    interval = "500ms"
    timeout  = "1s"
    deadline = "20s"
  }

  # A new version gets a growing share of the traffic, and is sent back as soon as it is surely worse than the old one.
  rollout "canary" {
    steps             = [5, 25, 50, 100]
    step              = "2s"
    min_requests      = 120
    evidence_deadline = "30s"
    bake              = "3s"

    judge {
      errors      = true
      false_alarm = 0.001
    }
  }
}

# Where it runs, and in which order.
environment "dev" {
  rollout = "rolling" # nobody but us sends requests here, so there is nothing to judge by
  variables = {
    data_dir = "data-dev"
    greeting = "Welcome to the shop (dev)"
  }
}

environment "staging" {
  after   = [environment.dev]
  rollout = "rolling"
  variables = {
    data_dir = "data-staging"
    greeting = "Welcome to the shop (staging)"
  }
}

environment "production" {
  after = [environment.staging]
  variables = {
    data_dir     = "data-production"
    web_replicas = 2
  }
}
