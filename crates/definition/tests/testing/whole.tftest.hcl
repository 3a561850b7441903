# Everything that a file can say.
test {
  parallel = true
}

variables {
  x = "of the file and ${var.given}"
}

provider "test" {
  region = "eu"
}

mock_provider "test" {
  alias           = "east"
  source          = "./mocks"
  override_during = plan

  mock_resource "test_thing" {
    defaults = {
      name = "made up"
    }
  }

  override_data {
    target = data.test_thing.b
  }
}

override_module {
  target  = module.net
  outputs = { zone = "z" }
}

run "plans" {
  command   = plan
  state_key = "own"
  parallel  = false

  providers = {
    test      = test.east
    test.east = test
  }

  plan_options {
    mode    = refresh-only
    refresh = false
    replace = [test_thing.a, module.net.test_thing.n["k"]]
    target  = [module.net]
  }

  assert {
    condition     = output.o == var.extra && test_thing.a.name == module.net.zone
    error_message = "o is ${output.o}"
  }

  variables {
    extra = upper("e")
  }

  expect_failures = [
    var.x,
    output.o,
    check.c,
    test_thing.a,
    data.test_thing.b,
  ]
}

run "applies" {
  module {
    source = "./net"
  }

  variables {
    x = "${var.x}, then ${run.plans.o}"
  }

  override_resource {
    target          = test_thing.n["k"]
    override_during = plan
    values = {
      name = "n"
    }
  }

  assert {
    condition     = alltrue([for output in [run.plans.o] : output == "x"]) && path.module == "net"
    error_message = "never"
  }
}
