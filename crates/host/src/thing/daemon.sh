# Keeps a program running for host_daemon of Steadfast; its directory is the only argument. Ends with TERM.
cd "$1" || exit
started() {
  set -- $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)
  [ "${1:-Z}" = Z ] || echo "${20}"
}
note() { echo "$2 $(started "$2")" >"$1.draft" && mv "$1.draft" "$1"; }
lives() { { read -r pid began <"$1"; } 2>/dev/null && [ -n "$began" ] && [ "$(started "$pid")" = "$began" ]; }
end() {
  n=0 most=$(($(cat stop) * 10))
  while lives child; do
    [ $((n % 10)) -ne 0 ] || kill -TERM "-$pid"
    n=$((n + 1))
    [ "$n" -lt "$most" ] || kill -KILL "-$pid"
    sleep 0.1
  done 2>/dev/null
}
trap 'end; rm -f pid child; exit 0' TERM INT HUP
note pid $$
# What another one of these has left.
end
pause=1
while [ -f run ]; do
  began=$(date +%s)
  [ ! -f log ] || [ "$(wc -c <log)" -lt 10485760 ] || mv log log.1
  setsid sh ./run >>log 2>&1 </dev/null &
  note child $!
  wait $!
  status=$?
  [ $(($(date +%s) - began)) -lt 60 ] || pause=1
  echo "steadfast: ended with $status, and begins again in $pause s" >>log
  sleep $pause &
  wait $!
  pause=$((pause < 16 ? pause * 2 : 30))
done
