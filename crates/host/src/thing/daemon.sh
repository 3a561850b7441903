# Keeps a program running for host_daemon of Steadfast; its directory is the only argument. Ends with TERM.
cd "$1" || exit
note() { echo "$2 $(began "$2")" >"$1.draft" && mv "$1.draft" "$1"; }
end() {
  n=0 most=$(($(cat stop) * 10))
  while runs child; do
    [ $((n % 10)) -ne 0 ] || kill -TERM "-$p"
    n=$((n + 1))
    [ "$n" -lt "$most" ] || kill -KILL "-$p"
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
