#!/usr/bin/env python3
"""Runs the release binary as the Lambda function that it is: with the freeze on.

    check_freeze.py --deckhand BINARY --standins BINARY --emulator FOLDER

AWS stops the process as soon as it asks for the next invocation. A bot that answers at once and goes
on working looks well everywhere but there, so everything here goes through an emulator that sends
SIGSTOP at that moment, against the stand-ins of GitHub and Discord.

Exit status: 0 all well, 1 something is not, 2 the check could not run.
"""

from __future__ import annotations

import argparse
import http.client
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standins import StandIns

# Settings that the bot does not need for this, or does not know yet. No value may show up in its log.
PLANTED = {name: f"planted-{secrets.token_hex(12)}" for name in ("DISCORD_BOT_TOKEN", "GITHUB_WEBHOOK_SECRET")}
# From the command to the type-5 answer, cold start included. Discord allows 3 s; this machine may be busy.
AT_ONCE_MS = 1000
MEBIBYTE = 1024 * 1024
# The runtime's own words at SIGTERM, which it prints past any logger.
RUNTIMES_OWN = "[runtime] "


class Wire:
    """Stands between Discord and the function, to learn the interactions' tokens."""

    def __init__(self) -> None:
        wire = self
        self.port = 0
        self.tokens: set[str] = set()

        class Pass(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                wire.tokens.add(json.loads(body)["token"])
                onward = http.client.HTTPConnection("127.0.0.1", wire.port, timeout=60)
                onward.request("POST", self.path, body=body, headers=dict(self.headers))
                answer = onward.getresponse()
                data = answer.read()
                onward.close()
                self.send_response(answer.status)
                self.send_header("content-type", answer.headers.get("content-type", ""))
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def to(self, emulator: Any) -> str:
        """The endpoint that leads to this function from now on."""
        self.port = emulator.port
        return f"http://127.0.0.1:{self.server.server_port}/discord"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Check:
    """One bot, one set of stand-ins, and what was found wrong."""

    def __init__(self, deckhand: Path, standins: StandIns, emulator: type, folder: Path) -> None:
        self.deckhand, self.standins, self.emulator, self.folder = deckhand, standins, emulator, folder
        self.wire = Wire()
        self.doing = ""
        self.expected = 0
        self.failures: list[str] = []
        self.lines: list[str] = []

    def expect(self, holds: bool, what: str, *seen: object) -> None:
        self.expected += 1
        if not holds:
            detail = "".join(f"\n      {item}" for item in seen)
            self.failures.append(f"{self.doing}: {what}{detail}")

    @contextmanager
    def function(self, env: dict[str, str] | None = None, errors: int = 0, **how: Any) -> Iterator[Any]:
        """The bot as a function; its log is kept, and no process of it may have crashed. So many invocations
        are to end in an error that it tells Lambda."""
        log = self.folder / f"{self.doing}.log".replace(" ", "-")
        settings = {
            **self.standins.environment(),
            **PLANTED,
            # The finest level, where a secret would show.
            "LOG_LEVEL": "trace",
            "POLL_INTERVAL_SECONDS": "0.5",
            **(env or {}),
        }
        with self.emulator(str(self.deckhand), env=settings, max_concurrency=1, log=str(log), **how) as function:
            yield function
            self.expect(function.wait_idle(10), "an invocation did not end")
            report = function.report()
        wrong = [invocation for invocation in report["invocations"] if invocation["outcome"] != "ok"]
        as_told = len(wrong) == errors and all(invocation["outcome"] == "error" for invocation in wrong)
        self.expect(as_told, f"{errors} invocations end in an error, all others well", *wrong)
        self.expect(len(report["environments"]) == 1, "the process was replaced", report["environments"])
        self.lines.extend(logged(log))

    # ---- what is checked

    def ping_and_edge(self) -> None:
        """Every shape in which AWS hands over a request: PING, bad signatures, other paths."""
        for payload in ("v2", "v1", "url"):
            for base64 in (False, True):
                self.doing = f"{payload}{' base64' if base64 else ''}"
                with self.function(payload=payload, force_base64=base64) as function:
                    self.edge(function)

    def edge(self, function: Any) -> None:
        pong = self.standins.pings(self.wire.to(function))
        self.expect(pong["body"] == {"type": 1} and not pong["wrong"], "PING on a cold start", pong)
        self.expect(function.last()["cold"] is True, "the first PING was no cold start", function.last())

        body = json.dumps({"type": 1, "id": "1", "application_id": "1", "token": "t", "version": 1})
        signed = self.standins.signed(body)
        right = function.http("POST", "/discord", body.encode(), signed)
        self.expect(right.status == 200 and json.loads(right.body) == {"type": 1}, "a signed PING", right)
        # HTTP/1 header names have no case, and REST APIs hand them over as they came.
        capitals = {name.title(): value for name, value in signed.items()}
        right = function.http("POST", "/discord", body.encode(), capitals)
        self.expect(right.status == 200, "header names in capitals", right)
        for what, sent, headers in (
            ("another body", body.replace('"1"', '"2"', 1), signed),
            ("a signature cut off", body, {**signed, "x-signature-ed25519": signed["x-signature-ed25519"][:-2]}),
            ("a signature that is no hex", body, {**signed, "x-signature-ed25519": "z" * 128}),
            ("another timestamp", body, {**signed, "x-signature-timestamp": str(int(time.time()) + 1)}),
            ("no signature", body, {"content-type": "application/json"}),
        ):
            wrong = function.http("POST", "/discord", sent.encode(), headers)
            self.expect(wrong.status == 401, f"{what} must be answered with 401", wrong)
        old = str(int(time.time()) - 3600)
        signature = self.standins.call("POST", "/sign", {"timestamp": old, "body": body})["signature"]
        stale = {**signed, "x-signature-ed25519": signature, "x-signature-timestamp": old}
        wrong = function.http("POST", "/discord", body.encode(), stale)
        self.expect(wrong.status == 401, "a signature of an hour ago must be answered with 401", wrong)

        for method, path, status in (
            ("GET", "/health", 200),
            ("POST", "/health", 405),
            ("GET", "/discord", 405),
            ("GET", "/no-such-path", 404),
            ("GET", "/", 404),
        ):
            answer = function.http(method, path)
            self.expect(answer.status == status, f"{method} {path} must be answered with {status}", answer)
        large = function.http("POST", "/discord", b"x" * (MEBIBYTE + 1), signed)
        self.expect(large.status == 413, "a body over 1 MiB must be answered with 413", large.status, large.body[:200])

    def deploy(self) -> None:
        """Work after the answer, cold: all of it within the one invocation, and only then the freeze."""
        self.doing = "cold deploy"
        self.standins.scenario("success")
        with self.function(timeout=60) as function:
            endpoint = self.wire.to(function)
            typed = self.standins.types("/deploy-client wait:true", endpoint)
            self.expect(not typed["wrong"] and typed["body"]["type"] == 5, "a deferred answer (type 5)", typed)
            self.expect(typed["elapsed_ms"] < AT_ONCE_MS, f"an answer within {AT_ONCE_MS} ms", typed)
            self.expect(function.wait_idle(40), "the invocation did not end")
            # Before anything else reaches the function, which would thaw it.
            self.outcome(typed["interaction_id"], "🟢 **Client deploy** succeeded")
            self.expect(len(function.records()) == 1, "more than one invocation", function.records())
            self.not_frozen_before_done(function)
            self.alive(function, endpoint)
            dispatches = self.standins.call("GET", "/github/dispatches")
            self.expect(len(dispatches) == 1, "exactly one dispatch", dispatches)
            self.spins_down(function)
        self.log_fields(str(typed["interaction_id"]))

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

    def not_frozen_before_done(self, function: Any) -> None:
        report = function.report()
        invocation = report["invocations"][0]
        sent = [moment(request["at"]) for request in self.standins.call("GET", "/discord/requests")]
        self.expect(bool(sent), "nothing was sent to Discord")
        last = max(sent, default=float("inf"))
        spans = [span for environment in report["environments"] for span in environment["frozen_spans"]]
        early = [span for span in spans if invocation["at"] < span[0] < last]
        self.expect(not early, "frozen before the last message was sent", f"last message: {last}", *early)
        self.expect(len(spans) == 1 and spans[0][1] is None, "frozen once, after it was done", *spans)
        self.expect(
            invocation["response_ms"] < AT_ONCE_MS < invocation["duration_ms"],
            "the answer goes out at once, and the invocation goes on",
            invocation,
        )

    def alive(self, function: Any, endpoint: str) -> None:
        typed = self.standins.types("/agents", endpoint)
        said = typed["body"] if isinstance(typed["body"], dict) else {}
        self.expect(said.get("type") == 4 and not typed["wrong"], "a warm /agents", typed)
        self.expect("/deploy-client" in json.dumps(said), "/agents must list /deploy-client", typed)
        self.expect(function.wait_idle(5), "/agents did not end")
        self.expect(function.last()["cold"] is False, "/agents was no warm start", function.last())

    def spins_down(self, function: Any) -> None:
        ends = function.spindown()
        well = len(ends) == 1 and ends[0]["sigterm"] and ends[0]["exit"] == 0
        self.expect(well, "SIGTERM must end the process with exit status 0", *ends)

    def log_fields(self, interaction_id: str) -> None:
        """Whoever looks for one interaction in the log finds all of it."""
        lines = [flat(json.loads(line)) for line in self.lines if line.startswith("{")]
        mine = [line for line in lines if str(line.get("interaction_id")) == interaction_id]
        summaries = [line for line in mine if line.get("event") == "interaction"]
        self.expect(
            len(summaries) == 1 and summaries[0].get("Command") == "deploy-client" and "TimeToAnswer" in summaries[0],
            "one line of the log that sums the interaction up",
            *mine,
        )
        ended = [line for line in mine if line.get("run_id") and line.get("correlation_id") and line.get("command")]
        self.expect(bool(ended), "a line of the log with correlation_id, run_id and command", *mine)
        for line in lines:
            if "run_id" in line:
                self.expect("interaction_id" in line, "a line with a run_id and without its interaction_id", line)

    def deadline(self) -> None:
        """A run that never ends: there is an answer before Lambda kills the process."""
        self.doing = "deadline"
        self.standins.scenario("stuck")
        with self.function(timeout=8) as function:
            endpoint = self.wire.to(function)
            typed = self.standins.types("/deploy-client wait:true", endpoint)
            self.expect(not typed["wrong"] and typed["body"]["type"] == 5, "a deferred answer (type 5)", typed)
            self.expect(function.wait_idle(15), "the invocation did not end")
            self.outcome(typed["interaction_id"], "⏱️ **Client deploy**")
            spent = function.records()[0]["duration_ms"]
            self.expect(spent < 7900, "the invocation used up its time", function.records())
            self.alive(function, endpoint)
            self.spins_down(function)

    def other_events(self) -> None:
        """What is no HTTP request does not crash the function, nor what only looks like one."""
        self.doing = "other events"
        with self.function() as function:
            for event in (
                {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
                {},
                [],
                None,
                "text",
                {"version": "2.0", "rawPath": "/discord"},
                {"requestContext": {"http": {"method": "POST", "path": 5}}, "body": {"a": 1}},
                {"httpMethod": "POST", "path": "/discord", "body": "%%%", "isBase64Encoded": True},
            ):
                answer = function.invoke(event)
                self.expect(answer.ok, f"the event {json.dumps(event)}", answer.payload)
            self.expect(function.wait_idle(5), "an event did not end")
            self.alive(function, self.wire.to(function))
            self.spins_down(function)

    def schedule(self) -> None:
        """A schedule's event: worked off before the answer, its error told to Lambda, and one digest after a retry."""
        self.doing = "schedule"
        event = {
            "source": "aws.scheduler",
            "detail-type": "Scheduled Event",
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "detail": {"task": "digest"},
        }
        about = self.standins.about
        env = {"DIGEST_CHANNEL_ID": about["channel_id"], "DISCORD_BOT_TOKEN": about["bot_token"]}
        self.standins.scenario("success")
        with self.function(env, errors=1) as function:
            self.standins.call("PUT", "/channel", {"send": False})
            refused = function.invoke(event)
            what_to_do = not refused.ok and "Send Messages" in refused.json()["errorMessage"]
            self.expect(what_to_do, "an error that says what to do where the bot may not post", refused.payload)
            self.expect(self.standins.call("GET", "/channel") == [], "nothing was posted")
            self.standins.call("PUT", "/channel", {})
            for outcome in ("posted", "already there"):
                answer = function.invoke(event)
                # Right after the answer, which thaws nothing.
                posted = self.standins.call("GET", "/channel")
                told = answer.ok and answer.json() == {"digest": outcome}
                self.expect(told, f"the same event again must be answered with: {outcome}", answer.payload)
                whole = len(posted) == 1 and "Daily digest" in posted[0]["content"] and not posted[0]["pings"]
                self.expect(whole, "one digest that notifies nobody", *posted)
            self.expect(function.wait_idle(5), "the invocation did not end")
            self.alive(function, self.wire.to(function))
            self.spins_down(function)

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
        hidden = {
            "GITHUB_TOKEN": self.standins.about["github_token"],
            "DISCORD_BOT_TOKEN as it is": self.standins.about["bot_token"],
            **PLANTED,
            **{f"interaction token {number}": token for number, token in enumerate(self.wire.tokens)},
        }
        self.expect(len(self.wire.tokens) > 3, "no interaction's token was seen on its way", len(self.wire.tokens))
        for name, value in hidden.items():
            self.expect(len(value) > 8 and value not in text, f"the value of {name} is in the log")


def logged(log: Path) -> list[str]:
    """What the function logged, of all that is in an emulator's log."""
    lines = (line.partition(" runtime] ") for line in log.read_text().splitlines())
    return [rest for _, marker, rest in lines if marker and not rest.startswith(RUNTIMES_OWN)]


def flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the log with the fields of its span, where a query finds them too."""
    return {**line.get("span", {}), **line}


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--deckhand", type=Path, required=True)
    parser.add_argument("--standins", type=Path, required=True)
    parser.add_argument("--emulator", type=Path, required=True)
    asked = parser.parse_args()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(asked.emulator))
    try:
        from lambda_emulator import Emulator
    except ImportError as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, StandIns(asked.standins) as standins:
        registration = subprocess.run([asked.deckhand, "commands"], capture_output=True, check=True)
        standins.call("PUT", "/commands", json.loads(registration.stdout))
        check = Check(asked.deckhand.resolve(), standins, Emulator, Path(folder))
        steps: list[Callable[[], None]] = [
            check.deploy,
            check.deadline,
            check.ping_and_edge,
            check.other_events,
            check.schedule,
            check.log,
        ]
        for step in steps:
            started = time.monotonic()
            try:
                step()
            except Exception:
                # One broken step must not hide what the others find.
                check.failures.append(f"{check.doing}: stopped by\n{traceback.format_exc()}")
            print(f"  {time.monotonic() - started:5.1f} s  {step.__name__}: {step.__doc__}")
        check.wire.close()
    for failure in check.failures:
        print(f"WRONG  {failure}", file=sys.stderr)
    if check.failures:
        print(f"{len(check.failures)} of {check.expected} expectations failed", file=sys.stderr)
        return 1
    print(f"{check.expected} expectations held with the freeze on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
