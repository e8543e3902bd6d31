"""The release binary as the Lambda function that it is, and what all checks of it share.

AWS stops the process as soon as it asks for the next invocation. A bot that answers at once and goes
on working looks well everywhere but there, so everything goes through an emulator that sends SIGSTOP at
that moment, against the stand-ins of GitHub and Discord.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from standins import StandIns

# From the command to the type-5 answer, cold start included. Discord allows 3 s; this machine may be busy.
AT_ONCE_MS = 1000
# The runtime's own words at SIGTERM, which it prints past any logger.
RUNTIMES_OWN = "[runtime] "


class Said(NamedTuple):
    """An answer of the function's."""

    status: int
    content_type: str
    data: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.data)

    @property
    def content(self) -> str:
        """The text of a message that is the answer itself."""
        return str(self.body.get("data", {}).get("content", ""))


class Wire:
    """Stands between Discord and the function: learns the interactions' tokens, and can deliver one again."""

    def __init__(self) -> None:
        wire = self
        self.port = 0
        self.tokens: set[str] = set()
        # How often each interaction is delivered, at the same moment.
        self.copies = 1
        self.last: list[Said] = []
        self.delivered: dict[str, tuple[str, bytes, dict[str, str]]] = {}

        class Pass(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                payload = json.loads(body)
                wire.tokens.add(payload["token"])
                wire.delivered[str(payload["id"])] = (self.path, body, dict(self.headers))
                with ThreadPoolExecutor(wire.copies) as pool:
                    wire.last = [*pool.map(wire.again, [str(payload["id"])] * wire.copies)]
                # The one that was not refused, if any was.
                said = next((said for said in wire.last if "taken already" not in said.data.decode()), wire.last[0])
                self.send_response(said.status)
                self.send_header("content-type", said.content_type)
                self.send_header("content-length", str(len(said.data)))
                self.end_headers()
                self.wfile.write(said.data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def to(self, emulator: Any) -> str:
        """The endpoint that leads to this function from now on."""
        self.port = emulator.port
        return f"http://127.0.0.1:{self.server.server_port}/discord"

    def again(self, interaction_id: str) -> Said:
        """Delivers an interaction once more, the same bytes."""
        path, body, headers = self.delivered[interaction_id]
        onward = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            onward.request("POST", path, body=body, headers=headers)
            answer = onward.getresponse()
            return Said(answer.status, answer.headers.get("content-type", ""), answer.read())
        finally:
            onward.close()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class FunctionCheck:
    """One bot, one set of stand-ins, and what was found wrong."""

    def __init__(self, deckhand: Path, standins: StandIns, emulator: type, folder: Path) -> None:
        self.deckhand, self.standins, self.emulator, self.folder = deckhand, standins, emulator, folder
        self.wire = Wire()
        self.doing = ""
        self.expected = 0
        self.failures: list[str] = []
        self.lines: list[str] = []

    def settings(self) -> dict[str, str]:
        """The function's environment, where a check gives no other."""
        raise NotImplementedError

    def hidden(self) -> dict[str, str]:
        """Values that must never show, and what they are."""
        raise NotImplementedError

    def expect(self, holds: bool, what: str, *seen: object) -> None:
        self.expected += 1
        if not holds:
            detail = "".join(f"\n      {item}" for item in seen)
            self.failures.append(f"{self.doing}: {what}{detail}")

    @contextmanager
    def function(
        self,
        env: dict[str, str] | None = None,
        *,
        environments: int = 1,
        errors: int = 0,
        killed: int = 0,
        **how: Any,
    ) -> Iterator[Any]:
        """The bot as a function; its log is kept. So many processes are started, so many invocations are to end
        in an error that it tells Lambda, and so many in the death of the process; no other may."""
        log = self.folder / f"{self.doing}.log".replace(" ", "-")
        settings = {**self.settings(), **(env or {})}
        how = {"max_concurrency": 1, **how}
        with self.emulator(str(self.deckhand), env=settings, log=str(log), **how) as function:
            yield function
            self.expect(function.wait_idle(10), "an invocation did not end")
            report = function.report()
        wrong = [invocation for invocation in report["invocations"] if invocation["outcome"] != "ok"]
        told = [invocation for invocation in wrong if invocation["outcome"] == "error"]
        as_told = len(told) == errors and len(wrong) == errors + killed
        self.expect(as_told, f"{errors} invocations end in an error, {killed} are killed, all others end well", *wrong)
        started = report["environments"]
        self.expect(len(started) == environments, f"there must be {environments} processes", *started)
        self.lines.extend(logged(log))

    def outcome(self, interaction_id: str, words: str) -> None:
        messages = self.standins.messages(interaction_id)
        original = [message for message in messages if not message["follow_up"]]
        follow_ups = [message for message in messages if message["follow_up"]]
        self.expect(
            len(original) == 1 and words in original[0]["content"] and not original[0]["loading"],
            f"the original message must say: {words}",
            *messages,
        )
        self.expect(
            len(follow_ups) == 1 and words in follow_ups[0]["content"] and len(follow_ups[0]["pings"]) == 1,
            f"one follow-up must tell the requester: {words}",
            *messages,
        )

    def alive(self, function: Any, endpoint: str) -> None:
        typed = self.standins.types("/agents", endpoint)
        said = typed["body"] if isinstance(typed["body"], dict) else {}
        self.expect(said.get("type") == 4 and not typed["wrong"], "a warm /agents", typed)
        self.expect("/deploy-client" in json.dumps(said), "/agents must list /deploy-client", typed)
        self.expect(function.wait_idle(5), "/agents did not end")
        self.expect(function.last()["cold"] is False, "/agents was no warm start", function.last())

    def log(self) -> None:
        """What was logged in all of this."""
        self.doing = "log"
        self.expect(bool(self.lines), "nothing was logged")
        for line in self.lines:
            try:
                whole = isinstance(json.loads(line), dict)
            except ValueError:
                whole = False
            self.expect(whole, "a line that is no JSON object", line)
        text = "\n".join(self.lines)
        self.expect("panic" not in text, "a panic", *[line for line in self.lines if "panic" in line])
        self.expect(len(self.wire.tokens) > 3, "no interaction's token was seen on its way", len(self.wire.tokens))
        for name, value in self.secrets().items():
            self.expect(len(value) > 8 and value not in text, f"the value of {name} is in the log")

    def secrets(self) -> dict[str, str]:
        """Everything that is hidden, with what only shows while the check runs."""
        tokens = {f"interaction token {number}": token for number, token in enumerate(self.wire.tokens)}
        about = self.standins.about
        ours = {"GITHUB_TOKEN": about["github_token"], "DISCORD_BOT_TOKEN as it is": about["bot_token"]}
        return {**ours, **self.hidden(), **tokens}

    def run(self, steps: list[Callable[[], None]], condition: str) -> int:
        """All steps, and the exit status that they come to."""
        for step in steps:
            started = time.monotonic()
            try:
                step()
            except Exception:
                # One broken step must not hide what the others find.
                self.failures.append(f"{self.doing}: stopped by\n{traceback.format_exc()}")
            print(f"  {time.monotonic() - started:5.1f} s  {step.__name__}: {step.__doc__}", flush=True)
        self.wire.close()
        for failure in self.failures:
            print(f"WRONG  {failure}", file=sys.stderr)
        if self.failures:
            print(f"{len(self.failures)} of {self.expected} expectations failed", file=sys.stderr)
            return 1
        print(f"{self.expected} expectations held {condition}")
        return 0


def arguments(description: str) -> argparse.ArgumentParser:
    """What every check of the function is given."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    for name in ("--deckhand", "--standins", "--emulator"):
        parser.add_argument(name, type=Path, required=True)
    return parser


def the_emulator(folder: Path) -> type | None:
    """The emulator's class; says so if there is none."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    try:
        from lambda_emulator import Emulator
    except ImportError as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return None
    return Emulator


@contextmanager
def the_standins(binary: Path, deckhand: Path) -> Iterator[tuple[StandIns, Path]]:
    """The stand-ins, who know the bot's commands, and a folder to leave logs in."""
    with tempfile.TemporaryDirectory() as folder, StandIns(binary) as standins:
        registration = subprocess.run([deckhand, "commands"], capture_output=True, check=True)
        standins.call("PUT", "/commands", json.loads(registration.stdout))
        yield standins, Path(folder)


def logged(log: Path) -> list[str]:
    """What the function logged, of all that is in an emulator's log."""
    lines = (line.partition(" runtime] ") for line in log.read_text().splitlines())
    return [rest for _, marker, rest in lines if marker and not rest.startswith(RUNTIMES_OWN)]


def flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the log with the fields of its span, where a query finds them too."""
    return {**line.get("span", {}), **line}
