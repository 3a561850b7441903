a = "file"
c = { deep = [1] }
unknown = 1
