settings = upper("x")
