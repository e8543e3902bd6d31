#!/usr/bin/env python3
"""Registers the commands with a stand-in of Discord by register_commands.sh, as a person would, and
gets everything wrong once that a person can get wrong."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from standins import StandIns

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deckhand", type=Path, required=True, help="the built binary")
    parser.add_argument("--standins", type=Path, required=True, help="the stand-ins' binary")
    given = parser.parse_args()
    failures: list[str] = []

    def run(*arguments: str, at: Path | None = None, **settings: str) -> tuple[int, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": tempfile.gettempdir(),
            "DECKHAND": str(given.deckhand.resolve()),
            **settings,
        }
        script = [str(at or ROOT / "register_commands.sh"), *arguments]
        done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def expect(what: str, done: tuple[int, str], status: int, *words: str) -> None:
        code, said = done
        if code != status or any(word not in said for word in words):
            failures.append(f"{what}: exit status {code}, expected {status} and {words}\n{said}")
        if token in said:
            failures.append(f"{what}: the token is shown")

    with StandIns(given.standins.resolve()) as standins:
        token = standins.about["bot_token"]
        right = {
            "DISCORD_APPLICATION_ID": standins.about["application_id"],
            "DISCORD_BOT_TOKEN": token,
            "DISCORD_API_BASE": standins.about["discord"],
        }
        expect("a dry run", run("--dry-run", **right), 0, "+ /deploy-client", "nothing was changed")
        expect("another dry run", run("--dry-run", **right), 0, "+ /deploy-client")
        expect("registering", run(**right), 0, "+ /deploy-client", "Registered for all servers")
        expect("registering again", run(**right), 0, "Nothing differs", "Registered")
        expect("a server it is not in", run("--guild", "41", **right), 1, "(403)", "server 41")
        expect("a wrong token", run(**{**right, "DISCORD_BOT_TOKEN": "wrong"}), 1, "(401)")
        expect("no network", run(**{**right, "DISCORD_API_BASE": "http://127.0.0.1:1"}), 1, "cannot be reached")
        expect("nothing set", run(), 1, "DISCORD_APPLICATION_ID DISCORD_BOT_TOKEN")
        expect("a wrong argument", run("--force", **right), 1, "unknown argument", "Usage:")
        expect("help", run("--help"), 0, "--dry-run")
        expect("an empty server", run("--guild", "", **right), 1, "needs the id of a server")
        with tempfile.TemporaryDirectory() as folder:
            # A fresh clone: nothing is built, so cargo is asked.
            script = Path(folder) / "register_commands.sh"
            script.write_text((ROOT / "register_commands.sh").read_text())
            script.chmod(0o755)
            cargo = Path(folder) / "bin" / "cargo"
            cargo.parent.mkdir()
            # cargo run --quiet --manifest-path FILE -- ARGUMENTS
            cargo.write_text(f'#!/bin/sh\nshift 5\nexec "{given.deckhand.resolve()}" "$@"\n')
            cargo.chmod(0o755)
            fresh = {**right, "DECKHAND": "", "PATH": f"{cargo.parent}:/usr/bin:/bin"}
            expect("a fresh clone", run("--dry-run", at=script, **fresh), 0, "Nothing differs")
            (Path(folder) / ".env").write_text("AGENTS_FILE='no-such-file.toml'\n")
            said = run("--dry-run", at=script, **fresh)
            expect("a wrong agents file in .env", said, 1, "no-such-file.toml")
        agents = {**right, "AGENTS_FILE": "no-such-file.toml"}
        expect("a wrong agents file", run(**agents), 1, "no-such-file.toml", "nothing was changed")

    for failure in failures:
        print(failure, file=sys.stderr)
    if not failures:
        print("register_commands.sh does what it says")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
