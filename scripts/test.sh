#!/usr/bin/env bash
# Every check there is, in the order in which they find most: lint, documentation, tests, the page, demo and judges.
# A step that fails does not keep the next from running; what failed is shown again at the end.
# The last line counts tests and judges' claims; a failed step that counts nothing itself counts as one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

passed=0 failed=0 skipped=0 broken=()

main() {
  scripts/install.sh || exit 1
  # shellcheck source=scripts/environment.sh
  source scripts/environment.sh

  step lint scripts/lint.sh || failed=$((failed + 1))
  step doc scripts/doc.sh || failed=$((failed + 1))
  step tests cargo test --no-fail-fast
  count_tests $?
  step page scripts/page.sh
  count_page $?
  step judges scripts/judges.sh
  count_judges $?

  if [ "$AMANA_JUDGES" = require ] && [ "$skipped" -gt 0 ]; then
    echo "nothing may be skipped here, but $skipped were"
    broken+=(skipped)
  fi
  local name
  for name in ${broken[@]+"${broken[@]}"}; do
    [ -f "$checks/$name.log" ] && show_failure "$name"
  done
  printf '\n%s passed, %s failed%s\n' "$passed" "$failed" "$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
  [ "${#broken[@]}" = 0 ] && [ "$failed" = 0 ]
}

# step NAME COMMAND…: runs it, keeps what it prints in target/checks/NAME.log.
step() {
  local name=$1 status
  shift
  printf '\n== %s\n' "$name"
  "$@" 2>&1 | tee "$checks/$name.log"
  status=${PIPESTATUS[0]}
  [ "$status" = 0 ] || broken+=("$name")
  return "$status"
}

# Sums `test result: ok. 12 passed; 0 failed; 1 ignored; …` over all test binaries. What a judge runs is counted there.
count_tests() {
  local status=$1 p f s
  read -r p f s < <(awk '/^test result: / { for (i = 2; i <= NF; i++) {
      if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^ignored/) s += $(i-1) } }
    / ignored, run by tests\/judges\// { s -= 1 }
    END { print p + 0, f + 0, s + 0 }' "$checks/tests.log")
  # A suite that did not compile, or that holds no test, has not passed.
  if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  if [ "$status" = 0 ] && [ "$p" = 0 ]; then
    f=1
    broken+=(tests)
  fi
  add "$p" "$f" "$s"
}

# Sums what the page's own tests and its two builds say.
count_page() {
  local status=$1 p f
  p=$(sed -nE 's/^page: ([0-9]+) passed, ([0-9]+) failed$/\1/p' "$checks/page.log")
  f=$(sed -nE 's/^page: ([0-9]+) passed, ([0-9]+) failed$/\2/p' "$checks/page.log")
  if grep -q '^page: skipped' "$checks/page.log"; then
    skipped=$((skipped + 1))
    return
  fi
  if [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; then f=1; fi
  add "${p:-0}" "${f:-1}" 0
}

count_judges() {
  local status=$1 p f s
  read -r p f s < <(sed -nE 's/^judges: ([0-9]+) held, ([0-9]+) did not hold, ([0-9]+) skipped$/\1 \2 \3/p' "$checks/judges.log")
  if [ -z "${s:-}" ]; then p=0 f=1 s=0; fi
  if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  add "$p" "$f" "$s"
}

add() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

show_failure() {
  local log=$checks/$1.log
  printf '\n== failed: %s (all of it: %s)\n' "$1" "${log#"$PWD"/}"
  if [ "$1" = tests ] && grep -q '^failures:$' "$log"; then
    # The panics of each test binary, without the hundreds of lines that say ok.
    awk '/^failures:$/ { show = 1 } /^test result: / { if (show) print; show = 0 } show' "$log" | tail -n 200
  elif [ "$1" = judges ] && grep -q '^-- found fault: ' "$log"; then
    sed -n '/^-- found fault: /,$p' "$log"
  else
    tail -n 60 "$log"
  fi
}

main
