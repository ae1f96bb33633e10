#!/usr/bin/env bash
# Everything that can be said about the source without running it. Stops at the first that fails.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "$0")/environment.sh"

say() { printf -- '-- %s\n' "$*"; }

say "formatting"
cargo fmt --check

say "Cargo.lock is up to date"
cargo metadata --locked --format-version 1 >/dev/null

# Each set of features is a program that somebody runs; docs/architecture.md has the table.
say "clippy, everything"
cargo clippy --all-targets -- -D warnings
say "clippy, verifier only"
cargo clippy --no-default-features -- -D warnings
say "clippy, server only"
cargo clippy --no-default-features --features server -- -D warnings
say "clippy, client only"
cargo clippy --no-default-features --features client -- -D warnings

# Promise P1: the server-only build links no code that can open an age header or payload. cargo tree fails for a
# package that the build does not use; any other failure must not pass for that, hence the look at its words.
say "the server-only build does not link age"
for package in age age-core; do
  found=$(cargo tree --no-default-features --features server -e no-dev -i "$package" 2>&1) || true
  if ! grep -q "package ID specification .$package. did not match any packages" <<<"$found"; then
    printf '%s\n' "the server-only build must not link $package:" "$found" >&2
    exit 1
  fi
done

# Advisories need a database from outside and change under a fixed commit: `cargo deny check advisories` by hand.
say "licences, banned crates, sources"
if command -v cargo-deny >/dev/null; then
  cargo-deny --log-level warn check licenses bans sources
elif [ "$AMANA_JUDGES" = require ]; then
  echo "cargo-deny is missing: scripts/install.sh" >&2
  exit 1
else
  echo "skipped: cargo-deny is missing (scripts/install.sh installs it)"
fi
