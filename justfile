set positional-arguments

# The playground: `just play '/deploy-client wait:true'`, or a prompt without a command
play *LINES:
    cargo run -p playground -- "$@"
test:
    cargo test --workspace
# Every check, or some: `just check spelling`
check *STEPS:
    bash .ci/run "$@"
fmt:
    cargo fmt --all
doctor:
    cargo run --release -- doctor
serve *ARGS:
    cargo run --release -- serve "$@"
