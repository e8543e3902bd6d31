#!/usr/bin/env bash
# Registers the slash commands with Discord: calls `deckhand register` with the agents.toml and the .env of this
# folder. Needs bash (macOS's 3.2 will do, so no empty array is expanded here), and the built binary or cargo.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: ./register_commands.sh [--guild ID | --global] [--remove] [--dry-run]

  --guild ID   register in this server only: seen at once, good for trying out
               (default: DISCORD_GUILD_ID if set, else all servers)
  --global     register in all servers, also if DISCORD_GUILD_ID is set
  --remove     take all commands of the bot back there
  --dry-run    show what would change, change nothing
  --help       this text

Settings, from the environment or .env in this folder (the environment wins):
  DISCORD_APPLICATION_ID  the application's id
  DISCORD_BOT_TOKEN       the bot's token
  DISCORD_GUILD_ID        a server, as --guild
  DISCORD_API_BASE        default https://discord.com/api/v10
  AGENTS_FILE             default agents.toml in this folder
TEXT
}

fail() {
  printf 'register_commands: %s\n' "$*" >&2
  exit 1
}

deckhand() {
  local binary
  for binary in "${DECKHAND:-}" "$here/target/release/deckhand" "$here/target/debug/deckhand" \
    "$here/.aws-sam/build/DeckhandFunction/bootstrap"; do
    # What was built for Lambda runs here only if this machine is of the same kind.
    if [ -n "$binary" ] && [ -x "$binary" ] && "$binary" --version >/dev/null 2>&1; then
      exec "$binary" "$@"
    fi
  done
  binary=$(type -P deckhand || true)
  if [ -n "$binary" ]; then
    exec "$binary" "$@"
  elif command -v cargo >/dev/null; then
    exec cargo run --quiet --manifest-path "$here/Cargo.toml" -- "$@"
  else
    fail "neither the built binary nor cargo is here: build it with 'cargo build --release'"
  fi
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arguments=(register)
while [ $# -gt 0 ]; do
  case $1 in
    --guild)
      [ -n "${2:-}" ] || fail "--guild needs the id of a server"
      arguments+=(--guild "$2")
      shift
      ;;
    --guild=?* | --global | --remove | --dry-run) arguments+=("$1") ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      fail "unknown argument: $1"
      ;;
  esac
  shift
done

[ ! -f "$here/.env" ] || arguments+=(--env-file "$here/.env")
# A binary may have been built before the file beside this script was changed.
if [ -z "${AGENTS_FILE:-}" ] && [ -f "$here/agents.toml" ] &&
  ! grep -Eqs '^[^#]*AGENTS_FILE[[:space:]]*=[[:space:]]*[^[:space:]#]' "$here/.env"; then
  export AGENTS_FILE=$here/agents.toml
fi
deckhand "${arguments[@]}"
