#!/bin/sh
# build.sh TARGET: puts what the Lambda package holds into ARTIFACTS_DIR. `sam build` calls it by way of a Makefile. SAM's
# own way with cargo-lambda would put in nothing but the binary.
set -eu

cd "$(dirname "$0")/.."
set -- --target "$1"
# Without this, cargo-lambda has rustup install also a target that is there.
if [ -d "$(rustc --print target-libdir "$@")" ]; then
    set -- "$@" --skip-target-check
fi
cargo lambda build --locked --release --bin deckhand "$@" --flatten deckhand --lambda-dir "$ARTIFACTS_DIR"
cp agents.toml "$ARTIFACTS_DIR"
