# shellcheck shell=bash
# Sourced by the other scripts: where the checks keep what they install, and what the tests are told about it.
#
# AMANA_JUDGES  auto: a judge that cannot run here is skipped and counted; require: it has failed (so in CI)

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
judges=$PWD/target/judges
checks=$PWD/target/checks
mkdir -p "$judges" "$checks"

export PATH="$judges/bin:$PATH"
if [ "${CI:-}" = true ]; then
  export AMANA_JUDGES=require
else
  export AMANA_JUDGES=${AMANA_JUDGES:-auto}
fi
# The page is part of what is checked: where nothing may be skipped, a program without it is not built at all.
if [ "$AMANA_JUDGES" = require ]; then export AMANA_WEB=require; fi
# The browser that the page is judged with: any Chromium will do.
for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$browser" ] && command -v "$browser" >/dev/null; then CHROMIUM=$(command -v "$browser") && export CHROMIUM && break; fi
done
# Tests read these; a variable that is unset means that the judge is not here.
if [ -d "$judges/cctv" ]; then export AMANA_CCTV_DIR=$judges/cctv; fi
if [ -x "$judges/tlog" ]; then export AMANA_TLOG=$judges/tlog; fi
if command -v rage >/dev/null; then AMANA_RAGE=$(command -v rage) && export AMANA_RAGE; fi
