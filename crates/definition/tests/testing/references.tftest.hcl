# References that lead nowhere, and those that lead somewhere only later.
variables {
  a = var.x
  b = var.given
  c = local.l
  d = run.first.o
}

override_resource {
  target = test_thing.other
}

override_data {
  target = module.net.data.test_thing.b
}

run "first" {
  variables {
    e = run.second.o
    f = run.frist.o
    g = run.first.o
    h = run
    i = test_thing.a.name
  }

  assert {
    condition     = run.first.o == output.oo && output == 1
    error_message = var.nothing
  }

  assert {
    condition     = output.o == test_thing.b.name
    error_message = local.nothing
  }

  expect_failures = [local.l, module.net, module.net.test_thing.n, "text", path.module]
}

run "third" {
  providers = {
    test = test.west
  }
}

run "second" {
  variables {
    e = run.first.o
  }

  assert {
    condition     = run.first.o == var.e
    error_message = "never"
  }
}
