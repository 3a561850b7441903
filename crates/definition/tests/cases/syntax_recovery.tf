locals {
  version = 1.2.3
  text    = "several
lines in a "quoted" text"
  after   = (1 2)
  name    = "no end
  next    = (1 2)
  heredoc = <<"EOT"
not an argument
EOT
  spaced  = << END
also text
END
  last    = (1 2)
}
