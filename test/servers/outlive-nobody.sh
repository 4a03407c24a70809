#!/bin/sh
# Runs a server that must not outlive whoever started it: outlive-nobody.sh <command> <arguments...>
#
# The starter keeps our standard input open and never writes to it. When the starter is gone, even by kill -9, the
# input ends and the server is killed. The first line of our output is "pid <the server's own pid>".
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
echo "pid $server"
{ cat <&3 >/dev/null 2>&1; kill -9 "$server" 2>/dev/null; } &
watch=$!
wait "$server"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
