project "a" {}
project "b" { x = 1 }
gate "smoke" {}
policy "base" {}
flags {}
resource "terraform_data" "x" {}
artefact "x" {}
artifact "one" {
  source  = "../outside"
  build   = "make"
  files   = { "../x" = "y" }
  run     = []
  timeout = "10"
}
artifact "one" {
  source = "."
}
artifact "1" {}
artifact "empty" {
  source  = var.x
  files   = {}
  run     = ["x"]
  timeout = "0s"
}
service "web" {
  artifact   = artifact.oen
  memory     = "256MB!"
  stop_grace = "soon"
  env        = { A = stack.nothing.x, B = service.nothing.port, C = service.web.host, "" = 1, D = 1, D = 2 }
  depends_on = [service.api, service.wbe, "x"]
  health {
    path     = "healthz"
    interval = "0s"
  }
  health {}
  rollout "canary" {
    steps        = [50, 25]
    min_requests = 0
    judge {
      latency     = "p99"
      false_alarm = 2
    }
  }
  scale { min = 1 }
}
service "api" {
  artifact   = "one"
  env        = var.x
  depends_on = [service.web]
  rollout "blue-green" {}
}
service "c" {
  artifact = artifact.one
  replicas = 1.5
  port     = 65536
  rollout "quick" {}
}
service "d" {}
environment "dev" {
  after     = [environment.production]
  promote   = "auto"
  gates     = [gate.smoke]
  variables = { nothing = 1, x = local.y }
  rollout   = "fast"
}
environment "production" {
  after = [environment.dev]
  approval { count = 2 }
  variables = []
}
environment "waits" { after = environment.dev }
locals { y = 1 }
variable "x" {}
