#!/usr/bin/env bash
# The API documentation, with broken links and other warnings as errors.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "$0")/environment.sh"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
