project "shop" {}

variable "greeting" { type = string }
variable "size" { default = 1 }
locals { replicas = environment.name == "production" ? 2 : 1 }

stack "base" {
  source = "./infra"
  name   = "shop-${environment.name}"
}

artifact "web" {
  source  = "./web"
  build   = ["cargo", "build", "--release"]
  inherit = ["PATH", "HOME"]
  files   = { "web" = "target/release/web", conf = "web.conf" }
  run     = ["./web"]
  timeout = "1h"
}

artifact "plain" {
  source = "./plain"
  files  = { "." = "." }
  run    = ["./run"]
}

service "web" {
  artifact = artifact.web
  replicas = local.replicas
  port     = 8080
  env = {
    DATABASE_URL = stack.base.url
    GREETING     = var.greeting
    API          = "http://127.0.0.1:${service.api.port}"
    "dotted.name" = 1
  }
  health {
    path     = "/healthz"
    interval = "500ms"
    timeout  = "2s"
    deadline = "1m30s"
  }
  rollout "canary" {
    steps             = [5, 25, 50, 100]
    step              = "10s"
    min_requests      = 50
    evidence_deadline = "5m"
    bake              = "10m"
    judge {
      errors      = true
      false_alarm = 0.001
    }
  }
  stop_grace = "5s"
  memory     = "256MiB"
  depends_on = [service.api]
}

service "api" {
  artifact = artifact.plain
}

environment "dev" {
  variables = { greeting = "Hello ${environment.name}" }
  rollout   = "rolling"
}
environment "production" {
  after     = [environment.dev]
  variables = { greeting = "Welcome", size = 3 }
}
