#!/usr/bin/env bash
# Runs the release build's demo, then lets other people's programs judge what it leaves and a running broker.
#
# A judge prints `ok: CLAIM` for each claim it found to hold and exits with status 0, 77 (it cannot run here) or
# another (a claim does not hold). The last line counts the claims.
#
# No `set -e` here: one judge's failure must not keep the others from being asked. Each judge has it.
set -uo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "$0")/environment.sh"

SKIPPED=77
demo=target/demo
served=target/demo-serve
rolled=target/rolled-forward
consent=target/consent
browsed=target/browsed
opened=$judges/opened
amana=${CARGO_TARGET_DIR:-target}/release/amana

held=0 failed=0 skipped=0 broken=()
broker=

main() {
  trap stop_broker EXIT
  trap 'exit 130' INT TERM
  mkdir -p "$opened"

  judge demo runs_the_demo
  judge age opens_with_age
  judge rage opens_with_rage
  judge typage opens_with_typage
  judge same same_plaintext
  judge cedarpy decides_again
  judge roll-forward rolls_forward
  judge consent lives_through_consent
  judge page is_the_page_of_the_source
  judge browser browses
  judge statements node_script jose bundle.mjs "$demo/audit" "$rolled/audit" "$consent/audit"
  judge compose reads_compose_file
  start_broker
  judge broker broker_is_up
  judge tlog-before go_judge keep "$served/broker.json" "$opened"
  judge oauth node_judge oauth "$served/broker.json" "$opened/fetched.age"
  judge fetched opens_what_was_fetched
  judge jose node_judge jose "$served/broker.json"
  judge receipts node_judge receipts "$amana" "$served/broker.json" "$PWD"
  judge tus node_judge tus "$served/broker.json"
  judge tuspy python_judge tuspy python3
  judge schemathesis python_judge schemathesis schemathesis
  judge tlog go_judge served "$served/broker.json" "$opened"
  judge stop ends_when_asked
  judge witness cosigns_and_is_cosigned

  local name
  for name in ${broken[@]+"${broken[@]}"}; do
    printf -- '\n-- found fault: %s\n' "$name"
    cat "$checks/judge-$name.log"
  done
  echo "judges: $held held, $failed did not hold, $skipped skipped"
  [ "$failed" = 0 ]
}

# judge NAME COMMAND…: runs it and counts.
judge() {
  local name=$1 log=$checks/judge-$1.log status
  shift
  (
    set -euo pipefail
    "$@"
  ) 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  held=$((held + $(grep -c '^ok: ' "$log")))
  if [ "$status" = "$SKIPPED" ] && [ "$AMANA_JUDGES" != require ]; then
    skipped=$((skipped + 1))
  elif [ "$status" != 0 ]; then
    echo "FAILED: $name (status $status)"
    failed=$((failed + 1))
    broken+=("$name")
  fi
}

runs_the_demo() {
  rm -rf "$demo"
  cargo run --release -- demo --dir "$demo"
  test -s "$demo/report.age"
  test -s "$demo/institution-identity.txt"
  echo "ok: demo: runs to its end and leaves a report and the institution's identity"
}

opens_with_age() {
  needs age age-keygen
  local recipient
  recipient=$(age-keygen -y "$demo/institution-identity.txt")
  grep -Eq '^age1[02-9ac-hj-np-z]{58}$' <<<"$recipient"
  echo "ok: age: age-keygen -y reads the identity"
  # The command that the README gives to institutions, word for word but for the paths.
  age -d -i "$demo/institution-identity.txt" "$demo/report.age" | tar t >"$opened/age.list"
  well_ordered "$opened/age.list"
  echo "ok: age: age -d … | tar t lists the members, manifest.json first and .padding last"
  age -d -i "$demo/institution-identity.txt" -o "$opened/age.tar" "$demo/report.age"
  if age -d -i <(age-keygen 2>/dev/null) "$demo/report.age" >/dev/null 2>&1; then
    echo "another identity opens the report"
    return 1
  fi
  echo "ok: age: another identity does not open it"
}

opens_with_rage() {
  needs rage
  rage -d -i "$demo/institution-identity.txt" "$demo/report.age" | tar t >"$opened/rage.list"
  well_ordered "$opened/rage.list"
  rage -d -i "$demo/institution-identity.txt" "$demo/report.age" >"$opened/rage.tar"
  echo "ok: rage: rage -d … | tar t lists the members, manifest.json first and .padding last"
}

opens_with_typage() {
  node_judge typage "$demo/institution-identity.txt" "$demo/report.age" "$opened/typage.tar"
}

same_plaintext() {
  needs age rage node
  cmp "$opened/age.tar" "$opened/rage.tar"
  cmp "$opened/age.tar" "$opened/typage.tar"
  echo "ok: age, rage and typage read the same bytes"
}

# The same decisions, by Cedar's Python binding, from the exported bundle alone.
decides_again() {
  if [ ! -x "$judges/venv/cedarpy/bin/python3" ]; then
    echo "skipped: the cedarpy judge is not installed (scripts/install.sh)"
    return "$SKIPPED"
  fi
  "$judges/venv/cedarpy/bin/python3" tests/judges/cedarpy/judge.py "$demo/audit"
}

# By the programs alone: after these two there is a statement of every kind.
rolls_forward() {
  needs curl node
  rm -rf "$rolled"
  tests/judges/jose/rolled_forward.sh "$amana" "$rolled"
}

lives_through_consent() {
  needs curl node
  rm -rf "$consent"
  tests/judges/jose/consent.sh "$amana" "$consent"
}

# What the program serves is what its source builds: the digest that administrators vouch for.
is_the_page_of_the_source() {
  needs node npm
  [ -d web/node_modules ] || { echo "skipped: what builds the page is not installed (scripts/install.sh)"; exit "$SKIPPED"; }
  (cd web && npm run --silent build)
  [ "$("$amana" web digest)" = "$(sha256sum web/dist/assets.txt | cut -d ' ' -f 1)" ]
  echo "ok: page: the program serves what its source builds"
  local first
  first=$(gzip -dc web/dist/index.html.gz | grep -oE '/assets/[^"]+' | sed 's|.*|web/dist&.gz|' | sort -u | xargs cat web/dist/index.html.gz | wc -c)
  echo "first load: $first bytes compressed (gzip)"
  [ "$first" -lt 150000 ]
  echo "ok: page: the first load is below 150 kB"
}

browses() {
  needs age age-keygen node
  if [ -z "${CHROMIUM:-}" ]; then
    echo "skipped: Chromium is not installed (scripts/install.sh)"
    return "$SKIPPED"
  fi
  rm -rf "$browsed"
  node_script browser judge.mjs "$amana" "$browsed"
}

# No engine is needed: `config` only reads the file.
reads_compose_file() {
  export AMANA_PUBLIC_URL=https://broker.example
  if docker compose version >/dev/null 2>&1; then
    docker compose --file docker-compose.yml config --quiet
  elif command -v docker-compose >/dev/null; then
    docker-compose --file docker-compose.yml config --quiet
  else
    echo "skipped: neither docker compose nor docker-compose is here"
    return "$SKIPPED"
  fi
  echo "ok: compose: reads docker-compose.yml"
}

# In the main shell and not in a judge, so that its process is ours to end.
start_broker() {
  rm -rf "$served"
  "$amana" demo --dir "$served" --serve >"$checks/broker.log" 2>&1 &
  broker=$!
  local _
  for _ in $(seq 1 600); do
    if broker_file_is_whole || ! kill -0 "$broker" 2>/dev/null; then break; fi
    sleep 0.1
  done
}

broker_file_is_whole() {
  [ -s "$served/broker.json" ] && [ "$(tr -d '[:space:]' <"$served/broker.json" | tail -c 1)" = '}' ]
}

broker_is_up() {
  if ! broker_file_is_whole || ! kill -0 "$broker"; then
    echo "the broker did not start; it said:"
    tail -n 40 "$checks/broker.log"
    return 1
  fi
  echo "ok: broker: starts and says where"
}

# Proves that what the stock client fetched is the whole report, and not only looks like one.
opens_what_was_fetched() {
  needs age
  age -d -i "$served/institution-identity.txt" "$opened/fetched.age" | tar t >"$opened/fetched.list"
  well_ordered "$opened/fetched.list"
  echo "ok: fetched: age opens what curl fetched with the stock client's token"
}

ends_when_asked() {
  kill -TERM "$broker"
  if ! ended_within_seconds 10; then
    echo "the broker still runs 10 s after SIGTERM"
    return 1
  fi
  echo "ok: broker: ends when asked to (SIGTERM)"
}

stop_broker() {
  if [ -z "$broker" ] || ! kill -TERM "$broker" 2>/dev/null; then return; fi
  ended_within_seconds 5 || kill -KILL "$broker"
}

# The main shell reaps its children at once, so a process that ended has no id any more.
ended_within_seconds() {
  local _
  for _ in $(seq 1 "${1}0"); do
    kill -0 "$broker" 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

node_judge() {
  local name=$1
  shift
  node_script "$name" judge.mjs "$@"
}

node_script() {
  local name=$1 script=$2
  shift 2
  if [ ! -d "$judges/npm/$name/node_modules" ]; then
    echo "skipped: the $name judge is not installed (scripts/install.sh)"
    return "$SKIPPED"
  fi
  node "$judges/npm/$name/$script" "$@"
}

# Go's log code reads both logs from what the broker serves to everybody.
go_judge() {
  if [ ! -x "$judges/tlog" ]; then
    echo "skipped: the tlog judge is not built; it needs golang-go and golang-golang-x-mod-dev (scripts/install.sh)"
    return "$SKIPPED"
  fi
  "$judges/tlog" "$@"
}

# These drive a Python program from Node, where the proxy lives that signs in for it.
python_judge() {
  local name=$1 program=$judges/venv/$1/bin/$2
  needs node
  if [ ! -x "$program" ]; then
    echo "skipped: the $name judge is not installed (scripts/install.sh)"
    return "$SKIPPED"
  fi
  node "tests/judges/$name/judge.mjs" "$served/broker.json" "$program"
}

# In both directions: their client and our witness, our conversation (a test) and their witness.
cosigns_and_is_cosigned() {
  local python=$judges/venv/witness/bin/python
  if [ ! -x "$python" ]; then
    echo "skipped: the witness judge is not installed (scripts/install.sh; it needs Python 3.12 or newer)"
    return "$SKIPPED"
  fi
  "$python" tests/judges/witness/judge.py "$amana"
}

needs() {
  local command
  for command in "$@"; do
    if ! command -v "$command" >/dev/null; then
      echo "skipped: $command is not installed (scripts/install.sh)"
      exit "$SKIPPED"
    fi
  done
}

well_ordered() {
  [ "$(head -n 1 "$1")" = manifest.json ]
  [ "$(tail -n 1 "$1")" = .padding ]
}

main
