resource "test_thing" "plain" {
  name = "x"
  lifecycle {
    health {
      tcp = "127.0.0.1:${self.size}"
    }
  }
}
resource "test_thing" "full" {
  name = "x"
  lifecycle {
    health {
      http       = "http://${test_thing.plain.name}/healthz?${self.name}"
      status     = [200, 204]
      interval   = "250ms"
      deadline   = "5m"
      successes  = 3
      on_failure = "continue"
    }
  }
}
resource "test_thing" "command" {
  name = "x"
  lifecycle {
    health {
      command = ["./is-well", self.id]
      on_failure = "hold"
    }
  }
}
resource "test_thing" "one_status" {
  name = "x"
  lifecycle {
    holds_data = true
    health {
      http = "http://localhost"
      status = 503
    }
  }
}
