#!/usr/bin/env bash
# Installs what the checks need and is not here yet: Debian packages where we are root, everything else below
# target/judges. Does nothing where nothing is missing.
#
# Exit status 1 if something is still missing afterwards and AMANA_JUDGES is `require`, or if nothing can be built.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "$0")/environment.sh"

RAGE_VERSION=0.12.1
DENY_VERSION=0.20.2
NODE_MAJOR=20
# Where Debian puts Go's log code: judged is with what the distribution reviewed, and nothing is downloaded for it.
GO_PATH=/usr/share/gocode
GO_MOD=$GO_PATH/src/golang.org/x/mod/sumdb

main() {
  system_packages
  if ! command -v cargo >/dev/null; then
    echo "cargo is missing. Install Rust 1.95 or newer: https://rustup.rs" >&2
    exit 1
  fi
  local missing=0
  cargo_tool rage "$RAGE_VERSION" --no-default-features || missing=1
  cargo_tool cargo-deny "$DENY_VERSION" || missing=1
  npm_judges || missing=1
  page_tools || missing=1
  python_judges || missing=1
  go_judge || missing=1
  if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then
    echo "missing: Chromium; the page is not judged in a browser." >&2
    missing=1
  fi
  for command in age age-keygen curl; do command -v "$command" >/dev/null || missing=1; done
  if [ "$missing" = 1 ]; then
    echo "some judges are missing (see above)" >&2
    [ "$AMANA_JUDGES" != require ]
  fi
}

# age, curl and Chromium are judges, Go's log code is another, the C compiler builds SQLite. docker-compose only checks our YAML, so it is not worth a
# place on somebody's own machine: only where every judge is required.
system_packages() {
  local packages=()
  command -v cc >/dev/null || packages+=(build-essential)
  command -v age-keygen >/dev/null || packages+=(age)
  command -v curl >/dev/null || packages+=(curl)
  command -v go >/dev/null || packages+=(golang-go)
  [ -d "$GO_MOD" ] || packages+=(golang-golang-x-mod-dev)
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
  [ -n "${CHROMIUM:-}" ] || packages+=(chromium)
  if [ "$AMANA_JUDGES" = require ] && ! docker compose version >/dev/null 2>&1; then
    command -v docker-compose >/dev/null || packages+=(docker-compose)
  fi
  [ "${#packages[@]}" -gt 0 ] || return 0

  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${packages[@]}"
  elif command -v apt-get >/dev/null; then
    echo "missing: ${packages[*]}. Please run:  sudo apt-get install ${packages[*]}" >&2
  else
    echo "missing: ${packages[*]} (Debian's names). Please install them with your system's package manager." >&2
  fi
}

# One that is already on the PATH will do, whatever its version.
cargo_tool() {
  local name=$1 version=$2
  shift 2
  command -v "$name" >/dev/null && return 0
  echo "installing $name $version (once, a few minutes)"
  # A target folder of its own, so that neither build waits for the other's lock.
  CARGO_TARGET_DIR="$judges/build" cargo install "$name" --version "$version" --locked --quiet --root "$judges" "$@" || return 1
  rm -rf "$judges/build"
}

# Each judge is copied to target/judges/npm, so that the source tree stays as it is.
npm_judges() {
  local major
  major=$(node --print 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -lt "$NODE_MAJOR" ] || ! command -v npm >/dev/null; then
    echo "missing: Node.js $NODE_MAJOR or newer with npm. Please install it (https://nodejs.org)." >&2
    return 1
  fi
  local name folder
  mkdir -p "$judges/npm"
  cp tests/judges/*.mjs "$judges/npm/"
  for name in browser cctv jose oauth receipts tus typage; do
    folder=$judges/npm/$name
    mkdir -p "$folder"
    cp "tests/judges/$name/"*.{mjs,json} "$folder/"
    if ! cmp --silent "$folder/package-lock.json" "$folder/node_modules/.of-lock"; then
      echo "installing the $name judge"
      (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || return 1
      cp "$folder/package-lock.json" "$folder/node_modules/.of-lock"
    fi
  done
  rm -rf "$judges/cctv"
  node "$judges/npm/cctv/dump.mjs" "$judges/cctv"
}

# What checks the page's source: types, its own tests. The program builds the page by itself.
page_tools() {
  command -v npm >/dev/null || return 1
  cmp --silent web/package-lock.json web/node_modules/.of-lock && return 0
  echo "installing what checks the page"
  (cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || return 1
  cp web/package-lock.json web/node_modules/.of-lock
}

# One environment a judge, so that neither has to fit the other's dependencies.
python_judges() {
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    echo "missing: Python 3 with venv. Please install it (Debian: python3-venv)." >&2
    return 1
  fi
  local name newer
  for name in cedarpy schemathesis tuspy; do python_judge "$name" python3 || return 1; done
  if ! newer=$(newer_python); then
    echo "missing: Python 3.12 or newer with venv, for the witness judge. Please install it beside the one that is here" \
      "(Debian 13: python3-venv; elsewhere https://www.python.org/downloads or pyenv)." >&2
    return 1
  fi
  python_judge witness "$newer"
}

# python_judge NAME INTERPRETER
python_judge() {
  local folder=$judges/venv/$1 wanted=tests/judges/$1/requirements.txt
  cmp --silent "$wanted" "$folder/.of-requirements" && return 0
  echo "installing the $1 judge"
  rm -rf "$folder"
  "$2" -m venv "$folder" || return 1
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" || return 1
  cp "$wanted" "$folder/.of-requirements"
}

# The first interpreter that is new enough for the witness judge. A name on the PATH may be a shim that leads nowhere,
# so each is asked.
newer_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

go_judge() {
  if ! command -v go >/dev/null || [ ! -d "$GO_MOD" ]; then
    echo "missing: Go and golang.org/x/mod (Debian: golang-go, golang-golang-x-mod-dev); the tlog judge is not built." >&2
    return 1
  fi
  [ "$judges/tlog" -nt tests/judges/tlog/main.go ] && return 0
  echo "building the tlog judge"
  (cd tests/judges/tlog && GOCACHE="$judges/go-cache" GO111MODULE=off GOPATH=$GO_PATH go build -o "$judges/tlog" .) || return 1
  rm -rf "$judges/go-cache"
}

main
