# What can be said of a file alone.
run "one" {
  command = "plan"
  nothing = 1

  plan_options {
    mode    = destroy
    replace = [var.x, test_thing]
    target  = test_thing.a
  }

  module {
    source = "hashicorp/consul/aws"
  }

  assert {
    condition = true
  }

  assert {
    condition     = length("x") == 1
    error_message = "never"
  }

  expect_failures = var.x
  providers       = "test"
}

run "one" {
  module {
    source = "./nowhere"
  }

  module {
    source = "./net"
  }

  variables {
    nested {}
  }
}

run "two words" {
}

run {
}

mock_provider "test" {
  source          = "./nowhere"
  override_during = never

  mock_resource "test_thing" {
    defaults = "none"
  }

  mock_resource "test_thing" {
  }

  mock_data {
  }

  override_module {
    target = module.net
  }
}

provider "test" {
}

override_resource {
  values = []
}

override_resource {
  target = data.test_thing.b
}

override_data {
  target = test_thing.a
}

override_module {
  target = test_thing.a
}

override_module {
  target = module.net[0]
}

override_module {
  target = module.net
}

override_module {
  target = module.net
}

override_data {
  target = data.test_thing.b[var.x]
}

variables {
}

variables {
}

resource "test_thing" "c" {
}
