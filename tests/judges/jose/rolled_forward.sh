#!/usr/bin/env bash
# Lets the programs make the one kind of statement that no story without a disaster has: a resumption.
# usage: rolled_forward.sh AMANA FOLDER
#
# A broker goes on after a copy of it was made; the copy is rolled forward from what the other published; administrators and
# council confirm it. What an auditor then exports is left in FOLDER/audit.
set -euo pipefail

amana=$1 folder=$2
lost=$folder/lost older=$folder/older
listen=127.0.0.1:$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); })')
url=http://$listen
broker=

main() {
  trap stop EXIT
  mkdir -p "$folder"
  serve "$lost"
  stop
  cp -a "$lost" "$older"
  serve "$lost"
  "$amana" roll-forward --dir "$older" --from "$url/log"
  stop

  serve "$older"
  local proposal who
  proposal=$(as administrator-1 --json institution resume --yes | member proposal)
  for who in administrator-2 council-1 council-2; do
    as "$who" institution approve "$proposal" --yes
  done
  as auditor-1 audit export --out "$folder/audit"
  stop
  "$amana" audit verify "$folder/audit" --card "$AMANA_CARD"
  echo "ok: roll-forward: a copy goes on when administrators and council confirmed it, and its audit bundle holds"
}

# serve DIR: founds the broker if there is none yet; waits until both logs are published as they now stand.
serve() {
  "$amana" --json serve --dir "$1" --listen "$listen" >"$folder/said.json" 2>>"$folder/broker.log" &
  broker=$!
  local before=${published:-0} _
  for _ in $(seq 1 300); do
    published=$(curl --silent --fail "$url/log/case/checkpoint" | sed -n 2p) || published=0
    if [ "${published:-0}" -gt "$before" ]; then break; fi
    sleep 0.1
  done
  [ "${published:-0}" -gt "$before" ]
  AMANA_CARD=$(member card <"$folder/said.json")
  export AMANA_CARD AMANA_BROKER=$url
}

stop() {
  if [ -z "$broker" ]; then return; fi
  kill -TERM "$broker"
  wait "$broker" || true
  broker=
}

# as NAME ARGUMENT…: a holder of an office, with the key that founding made.
as() {
  local who=$1
  shift
  "$amana" "$@" --home "$folder/home-$who" --identity "$lost/roles/$who.txt"
}

member() {
  node -e 'console.log(JSON.parse(require("fs").readFileSync(0, "utf8"))[process.argv[1]])' "$1"
}

main
