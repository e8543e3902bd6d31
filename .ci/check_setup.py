#!/usr/bin/env python3
"""Plays a person who sets the bot up at a terminal, against the stand-ins, and counts questions and seconds.

The person answers each question at once, so the seconds are those of the machine. What they read and paste comes on
top: `READING` for each question is generous.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

from standins import StandIns

MOST_QUESTIONS = 6
MOST_SECONDS = 300
# For a question: read it, look at a page, copy, paste.
READING = 40
PATIENCE = 60

PROMPT = re.compile(r"\? ([^\n]*?): $")


class Person:
    """Somebody at a terminal of their own, in a folder."""

    def __init__(self, deckhand: Path, about: dict[str, Any], folder: Path, port: int) -> None:
        self.deckhand, self.folder, self.port = deckhand, folder, port
        self.env = {"DISCORD_API_BASE": about["discord"], "GITHUB_API_BASE": about["github"]}
        self.answers = {
            "1 or 2": "",
            "The bot's token": about["bot_token"],
            "Which servers": "",
            "A fine-grained token": about["github_token"],
            "Which workflows": "1",
            "The server's public address": f"http://127.0.0.1:{port}",
        }
        self.server: subprocess.Popen[bytes] | None = None

    def sets_up(self, interrupt_at: str = "", by: signal.Signals | None = None) -> tuple[int, str, list[str], bool]:
        """Runs `deckhand setup`: exit status, what was on the screen, the questions, and whether typing shows again."""
        master, slave = pty.openpty()
        command = [self.deckhand, "setup", "--listen", f"127.0.0.1:{self.port}"]
        process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=self.folder,
            env=self.env,
            start_new_session=True,
        )
        screen, questions, answered = "", [], 0
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.05)[0]:
                screen += os.read(master, 65536).decode().replace("\r\n", "\n")
            elif process.poll() is not None:
                break
            self.shown_in_argv(process.pid)
            if "Start the server" in screen and self.server is None:
                self.starts_the_server()
            found = PROMPT.search(screen, answered)
            if found is None:
                continue
            question = found[1]
            questions.append(question)
            answered = len(screen)
            if interrupt_at and question.startswith(interrupt_at):
                if by is None:
                    os.write(master, b"\x03")
                else:
                    process.send_signal(by)
                continue
            answer = next((a for begins, a in self.answers.items() if question.startswith(begins)), None)
            if answer is None:
                raise SystemExit(f"an unknown question: {question}\n{screen}")
            os.write(master, answer.encode() + b"\n")
        else:
            process.kill()
            raise SystemExit(f"it does not end:\n{screen}")
        shows = bool(termios.tcgetattr(slave)[3] & termios.ECHO)
        os.close(slave)
        os.close(master)
        return process.wait(), screen, questions, shows

    def starts_the_server(self) -> None:
        listen = f"127.0.0.1:{self.port}"
        self.server = subprocess.Popen(
            [self.deckhand, "serve", "--listen", listen], cwd=self.folder, env={}, stdout=subprocess.DEVNULL
        )

    def shown_in_argv(self, pid: int) -> None:
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        except OSError:
            return
        for secret in (self.answers["The bot's token"], self.answers["A fine-grained token"]):
            check(secret not in arguments, "a secret is in argv")


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def waits_for_a_pipe(person: Person) -> None:
    """Ctrl-C ends it also while it reads a token from a pipe into which nobody writes."""
    os.mkfifo(person.folder / "pipe")
    command = [person.deckhand, "setup", "--bot-token-file", "pipe"]
    process = subprocess.Popen(
        command, cwd=person.folder, env=person.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + PATIENCE
    is_caught = 0
    while not is_caught & 1 << signal.SIGINT - 1 and time.monotonic() < deadline:
        status = Path(f"/proc/{process.pid}/status").read_text()
        is_caught = int(status.split("SigCgt:")[1].split()[0], 16)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    check(process.returncode == 130 and b"interrupted" in said, f"Ctrl-C at a pipe: {process.returncode} {said!r}")
    (person.folder / "pipe").unlink()


def play(person: Person) -> None:
    waits_for_a_pipe(person)
    # Ctrl-C at a secret: the terminal shows what is typed again, and the same command goes on.
    status, screen, _, shows = person.sets_up(interrupt_at="The bot's token")
    check(status == 130 and shows, f"Ctrl-C: status {status}, typing shows: {shows}\n{screen}")
    for by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        status, screen, _, shows = person.sets_up(interrupt_at="The bot's token", by=by)
        check(status == 130 and shows, f"{by.name}: status {status}, typing shows: {shows}\n{screen}")
    began = time.monotonic()
    status, screen, questions, shows = person.sets_up()
    seconds = time.monotonic() - began
    check(status == 0 and shows, f"status {status}\n{screen}")
    check("Type in Discord: /" in screen, f"the last line is missing:\n{screen}")
    settings = person.folder / ".env"
    mode = stat.S_IMODE(settings.stat().st_mode)
    check(mode == 0o600, f".env has mode {mode:o}")
    for line in settings.read_text().splitlines():
        name, _, value = line.partition("=")
        if name in ("DISCORD_BOT_TOKEN", "GITHUB_TOKEN", "GITHUB_WEBHOOK_SECRET"):
            check(value not in screen, f"{name} was on the screen")
    for file in person.folder.iterdir():
        if file.stat().st_mode & 0o077:
            check(person.answers["The bot's token"] not in file.read_text(), f"others can read a secret in {file.name}")
    status, screen, again, _ = person.sets_up()
    check(status == 0 and not again, f"again: status {status}, {again}\n{screen}")
    own = len(questions) * READING
    print(f"{len(questions)} questions, {seconds:.1f} s of the machine, {own} s of the person at {READING} s each")
    check(len(questions) <= MOST_QUESTIONS, f"more than {MOST_QUESTIONS} questions: {questions}")
    check(seconds + own <= MOST_SECONDS, "it takes longer than five minutes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deckhand", type=Path, required=True)
    parser.add_argument("--standins", type=Path, required=True)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with StandIns(options.standins) as standins, tempfile.TemporaryDirectory() as folder:
        person = Person(options.deckhand.resolve(), standins.about, Path(folder), port)
        try:
            play(person)
        finally:
            if person.server:
                person.server.terminate()
                person.server.wait(timeout=40)


if __name__ == "__main__":
    sys.exit(main())
