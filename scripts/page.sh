#!/usr/bin/env bash
# The page by itself: types, its own tests, and whether it comes out the same when it is built twice.
#
# The last line counts: `page: N passed, M failed`, or says that it was skipped.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "$0")/environment.sh"

passed=0 failed=0

main() {
  if [ ! -d web/node_modules ]; then
    echo "page: skipped: Node.js 20 or newer with npm is not here (scripts/install.sh)"
    [ "$AMANA_JUDGES" != require ]
    return
  fi
  cd web
  check "types" npm run --silent check
  own_tests
  check "built twice, equal" built_twice
  echo "page: $passed passed, $failed failed"
  [ "$failed" = 0 ]
}

check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: page: $name"
  else
    failed=$((failed + 1))
    echo "FAILED: page: $name"
  fi
}

own_tests() {
  local report=$checks/page-tests.json p f
  npm test --silent -- --reporter=default --reporter=json --outputFile="$report" || true
  read -r p f < <(node -p 'const { numPassedTests, numFailedTests, success } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    `${numPassedTests} ${numFailedTests || (success ? 0 : 1)}`' "$report")
  passed=$((passed + p)) failed=$((failed + f))
}

# The second time from another folder: no path of the machine is to get into the page.
built_twice() {
  local again=$checks/page-again
  npm run --silent build
  rm -rf "$again"
  mkdir -p "$again/web" "$again/src/client/receipt"
  cp -R index.html offline.html package.json package-lock.json svelte.config.js tsconfig.json vite.config.ts vite.offline.config.ts \
    src scripts "$again/web/"
  cp -R ../policies "$again/"
  cp -R ../src/client/receipt/words "$again/src/client/receipt/"
  (cd "$again/web" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent build)
  diff -r dist "$again/web/dist"
  rm -rf "$again"
}

main
