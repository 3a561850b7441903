a = [1]
block {}
c = local.x
d = 1
