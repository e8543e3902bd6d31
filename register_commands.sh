#!/usr/bin/env bash
# Registers the slash commands with Discord: one bulk overwrite of what agents.toml and the bot declare.
#
# Reads DISCORD_APPLICATION_ID, DISCORD_BOT_TOKEN, and optionally DISCORD_GUILD_ID and DISCORD_API_BASE,
# from the environment or from .env in this folder (the environment wins). Needs bash (macOS's 3.2
# will do, so no empty array is expanded here), curl, and the built binary or cargo.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: ./register_commands.sh [--guild ID] [--dry-run]

  --guild ID   register in this server only: seen at once, good for trying out
               (default: DISCORD_GUILD_ID if set, else all servers)
  --dry-run    show what would change, change nothing
  --help       this text

Settings, from the environment or .env:
  DISCORD_APPLICATION_ID  the application's id
  DISCORD_BOT_TOKEN       the bot's token
  DISCORD_GUILD_ID        a server, as --guild
  DISCORD_API_BASE        default https://discord.com/api/v10
TEXT
}

fail() {
  printf 'register_commands: %s\n' "$*" >&2
  exit 1
}

# The agents are declared by the file that the bot reads, also when only .env names it. Without one, by
# the file beside this script: a binary may have been built before it was changed.
use_agents_file() {
  AGENTS_FILE=$(setting AGENTS_FILE)
  if [ -z "$AGENTS_FILE" ] && [ -f "$here/agents.toml" ]; then
    AGENTS_FILE=$here/agents.toml
  fi
  [ -z "$AGENTS_FILE" ] || export AGENTS_FILE
}

# setting NAME: its value from the environment, or else from .env, which is read as text, not run.
setting() {
  local name=$1 line value=""
  if [ -n "${!name:-}" ]; then
    printf '%s' "${!name}"
    return
  fi
  [ -f "$here/.env" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    line=${line#export }
    case $line in
      "$name="*) value=${line#*=} ;;
    esac
  done <"$here/.env"
  case $value in
    \"*\") value=${value#\"} value=${value%\"} ;;
    \'*\') value=${value#\'} value=${value%\'} ;;
  esac
  printf '%s' "$value"
}

deckhand() {
  local binary
  for binary in "${DECKHAND:-}" "$here/target/release/deckhand" "$here/target/debug/deckhand" \
    "$here/.aws-sam/build/DeckhandFunction/bootstrap"; do
    # What was built for Lambda runs here only if this machine is of the same kind.
    if [ -n "$binary" ] && [ -x "$binary" ] && "$binary" --version >/dev/null 2>&1; then
      "$binary" "$@"
      return
    fi
  done
  binary=$(type -P deckhand || true)
  if [ -n "$binary" ]; then
    "$binary" "$@"
  elif command -v cargo >/dev/null; then
    cargo run --quiet --manifest-path "$here/Cargo.toml" -- "$@"
  else
    fail "neither the built binary nor cargo is here: build it with 'cargo build --release'"
  fi
}

# call METHOD [curl options]: one request, the body of its answer in $work/answer. A rate limit is
# waited out. The token goes to curl by standard input, so no list of processes shows it.
call() {
  local method=$1 try status wait
  shift
  for try in 1 2 3 4 5; do
    status=$(printf 'header = "Authorization: Bot %s"\n' "$token" | curl --config - --silent \
      --show-error --max-time 30 --request "$method" --dump-header "$work/headers" \
      --output "$work/answer" --write-out '%{http_code}' \
      --user-agent 'DiscordBot (https://github.com/deckhand-bot/deckhand, 1)' "$@" "$url") ||
      fail "Discord cannot be reached at $api (see curl's message above). Check the network and DISCORD_API_BASE."
    case $status in
      2??) return 0 ;;
      429)
        wait=$(tr '[:upper:]' '[:lower:]' <"$work/headers" | sed -n 's/^retry-after: *\([0-9][0-9]*\).*/\1/p' | head -n 1)
        wait=${wait:-5}
        [ "$wait" -le 120 ] || fail "Discord's rate limit asks to wait $wait s. Try again then."
        printf 'Discord limits the rate; waiting %s s (try %s of 5)\n' "$wait" "$try" >&2
        sleep "$((wait + 1))"
        ;;
      401) fail "Discord refuses the token (401). Copy DISCORD_BOT_TOKEN anew from the page Bot of the developer portal." ;;
      403) fail "Discord forbids it (403). Is the bot in server ${guild:-?}, invited with the scope applications.commands?" ;;
      404) fail "Discord does not know application $application (404). Check DISCORD_APPLICATION_ID." ;;
      *) fail "Discord answered $status: $(head -c 2000 "$work/answer")" ;;
    esac
  done
  fail "Discord still limits the rate after 5 tries. Try again in a few minutes."
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
guild=$(setting DISCORD_GUILD_ID)
dry_run=false
while [ $# -gt 0 ]; do
  case $1 in
    --guild)
      [ -n "${2:-}" ] || fail "--guild needs the id of a server"
      guild=$2
      shift
      ;;
    --dry-run) dry_run=true ;;
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

use_agents_file
application=$(setting DISCORD_APPLICATION_ID)
token=$(setting DISCORD_BOT_TOKEN)
api=$(setting DISCORD_API_BASE)
api=${api:-https://discord.com/api/v10}
api=${api%/}
# The token is sent there.
[[ $api =~ ^(https://|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?(/|$))[^?#\&@[:space:]]*$ ]] ||
  fail "DISCORD_API_BASE must be an https URL without query, fragment or & (plain http only to this machine)"
missing=
[ -n "$application" ] || missing=" DISCORD_APPLICATION_ID"
[ -n "$token" ] || missing="$missing DISCORD_BOT_TOKEN"
[ -z "$missing" ] || fail "not set, neither in the environment nor in .env:$missing"
[[ $application =~ ^[0-9]+$ ]] || fail "DISCORD_APPLICATION_ID must be a number"
[[ $guild =~ ^[0-9]*$ ]] || fail "the server's id (--guild or DISCORD_GUILD_ID) must be a number"
[[ $token =~ ^[A-Za-z0-9._-]+$ ]] || fail "DISCORD_BOT_TOKEN has characters that no bot token has"

work=$(mktemp -d) || fail "no temporary folder can be made"
trap 'rm -rf "$work"' EXIT

if [ -n "$guild" ]; then
  url=$api/applications/$application/guilds/$guild/commands
  declared=(commands --guild)
  place="server $guild"
else
  url=$api/applications/$application/commands
  declared=(commands)
  place="all servers"
fi

deckhand "${declared[@]}" >"$work/commands.json" || fail "the commands cannot be printed; nothing was changed"
call GET
cp "$work/answer" "$work/registered.json" || fail "the temporary folder cannot be written"
deckhand "${declared[@]}" --against "$work/registered.json" >"$work/changes" ||
  fail "Discord's list of commands cannot be read; nothing was changed"

if [ -s "$work/changes" ]; then
  printf 'Changes for %s (+ new, ~ changed, - removed):\n' "$place"
  cat "$work/changes"
else
  printf 'Nothing differs for %s.\n' "$place"
fi
if $dry_run; then
  printf 'Dry run: nothing was changed.\n'
  exit 0
fi

call PUT --header 'Content-Type: application/json' --data-binary "@$work/commands.json"
deckhand "${declared[@]}" --against "$work/answer" >"$work/changes" ||
  fail "Discord's answer cannot be read; run this again with --dry-run"
[ ! -s "$work/changes" ] || fail "Discord holds something else than was sent: $(cat "$work/changes")"
printf 'Registered for %s.\n' "$place"
