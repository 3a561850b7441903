resource "test_thing" "a" {
  name = "x"
  dynamic "rule" {
    for_each = [1]
    content {
      dynamic "rule" {
        for_each = [rule.value]
        content {}
      }
    }
  }
}
