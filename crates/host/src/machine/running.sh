# When a process began, as the kernel counts; nothing for one that has ended.
began() {
  s=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  s=${s##*) }
  set -- $s
  [ "$1" = Z ] || printf %s "${20}"
}
# Whether the process that a file names still runs; it is $p then.
runs() { { read -r p b <"$1" && [ -n "$b" ] && kill -0 "$p" && [ "$(began "$p")" = "$b" ]; } 2>/dev/null; }
