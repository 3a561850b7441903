resource "test_thing" "nothing" {
  name = "x"
  lifecycle {
    health {}
  }
}
resource "test_thing" "both" {
  name = "x"
  lifecycle {
    health {
      tcp      = "a:1"
      http     = "http://a"
      interval = "10s"
      deadline = "5s"
    }
    health {
      tcp = "b:1"
    }
  }
}
resource "test_thing" "numbers" {
  name = "x"
  lifecycle {
    health {
      command    = "true"
      status     = [200, 99, "ok"]
      interval   = "often"
      deadline   = "0s"
      successes  = 0
      on_failure = "panic"
      path       = "/"
    }
  }
}
resource "test_thing" "others" {
  name = "x"
  lifecycle {
    health {
      http       = test_thing.others.name
      status     = []
      successes  = self.size
      on_failure = ""
    }
  }
}
data "test_lookup" "d" {
  lifecycle {
    health {}
  }
}
