#!/usr/bin/env bash
# Fuzzes the targets in fuzz/ one after the other and says what came of it.
#
#   scripts/fuzz.sh [SECONDS [TARGET…]]    SECONDS for each target, 600 unless told; every target unless some are named
#
# Everything is kept below target/fuzz: cargo-fuzz itself, the build, what each target has learnt (corpus/), one log a
# target, and reproducers (artifacts/). Coverage counts libFuzzer's edges. Exit status 1 if anything was found.
#
# FUZZ_SANITIZER  address, or none where the compiler has no AddressSanitizer: Amana itself has no unsafe code, so
#                 what is lost then is a look at the libraries under it
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "$0")/environment.sh"

CARGO_FUZZ_VERSION=0.13.2
home=${FUZZ_HOME:-$PWD/target/fuzz}
sanitizer=${FUZZ_SANITIZER:-address}
# Coverage and sanitizers are flags a stable compiler refuses by default. Nothing built here is shipped.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$home
export PATH="$home/tools/bin:$PATH"
# A panic must end the process where it happens; odr checks mistake Rust's duplicated constants for errors.
export ASAN_OPTIONS=detect_odr_violation=0

main() {
  local seconds=${1:-600} targets name failed=0
  shift || true
  targets=("$@")
  if [ "${#targets[@]}" = 0 ]; then
    for name in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$name" .rs)"); done
  fi
  command -v cargo-fuzz >/dev/null || cargo install -q --locked --root "$home/tools" "cargo-fuzz@$CARGO_FUZZ_VERSION"
  cargo fuzz build --sanitizer "$sanitizer"
  mkdir -p "$home/logs"
  : >"$home/table"
  for name in "${targets[@]}"; do
    run "$name" "$seconds" || failed=1
  done
  printf '\n%-10s | %7s | %11s | %8s | %s\n' target seconds executions coverage findings
  cat "$home/table"
  return "$failed"
}

# run TARGET SECONDS: one process, low priority, so that it disturbs nobody.
run() {
  local name=$1 seconds=$2 log=$home/logs/$1.log triple started found=none status=0
  triple=$(rustc -vV | sed -n 's/^host: //p')
  mkdir -p "$home/corpus/$name" "$home/artifacts/$name"
  printf '== %s, %s s (log: %s)\n' "$name" "$seconds" "${log#"$PWD"/}"
  started=$SECONDS
  nice -n 19 "$home/$triple/release/$name" "$home/corpus/$name" "fuzz/seeds/$name" \
    -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=30 -max_len=16384 -print_final_stats=1 \
    -artifact_prefix="$home/artifacts/$name/" >"$log" 2>&1 || status=$?
  if [ "$status" != 0 ]; then
    found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    found=${found:-"status $status without a reproducer: see $log"}
    tail -n 40 "$log" >&2
  fi
  printf '%-10s | %7s | %11s | %8s | %s\n' "$name" "$((SECONDS - started))" \
    "$(sed -nE 's/^stat::number_of_executed_units: //p' "$log")" \
    "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)" "$found" >>"$home/table"
  return "$status"
}

main "$@"
