locals { a = 1 }
/* and so on
locals { b = 2 }
