#!/usr/bin/env python3
from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime
from typing import Any

from function import AT_ONCE_MS, FunctionCheck, aws_ahead, main

# Takes the name of the function's own extension, which then cannot register.
EXTENSION = f"""#!{sys.executable}
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
name = {{"Lambda-Extension-Name": "deckhand-shutdown"}}
api.request("POST", "/2020-01-01/extension/register", json.dumps({{"events": []}}), name)
answer = api.getresponse()
answer.read()
identifier = {{"Lambda-Extension-Identifier": answer.getheader("Lambda-Extension-Identifier")}}
api.request("GET", "/2020-01-01/extension/event/next", headers=identifier)
api.getresponse().read()
"""
# What invokes a function to keep it warm, and other events that nobody meant for a bot.
NOT_OURS = (
    {"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-11-22T09:00:00Z", "detail": {}},
    {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
    {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
    {"task": "warm"},
    {"warmer": True},
    None,
    "text",
)


class Freeze(FunctionCheck):
    """Runs the release binary as the Lambda function that it is: with the freeze on."""

    def deploy(self) -> None:
        """Work after the answer, cold: all of it within the one invocation, and only then the freeze."""
        with self.function(timeout=60) as function:
            with self.dispatched(1):
                said = self.types(function, "/deploy-client wait:true", within=AT_ONCE_MS)
            self.expect(said["type"] == 5, "a deferred answer (type 5)", said)
            # Before anything else reaches the function, which would thaw it.
            self.outcome("🟢 **Client deploy** succeeded")
            report = function.report()
            [invocation] = report["invocations"]
            sent = max(datetime.fromisoformat(sent["at"]) for sent in self.standins.call("GET", "/discord/requests"))
            spans = [span for environment in report["environments"] for span in environment["frozen_spans"]]
            after = len(spans) == 1 and spans[0][0] >= sent.timestamp() and spans[0][1] is None
            self.expect(after, "frozen once, after the last message was sent", sent, *spans)
            at_once = invocation["response_ms"] < AT_ONCE_MS < invocation["duration_ms"]
            self.expect(at_once, "the answer goes out at once, and the invocation goes on", invocation)
            deploy = self.id
            self.alive(function)
            self.spins_down(function)
        lines = [json.loads(line) for line in self.lines if deploy in line]
        summaries = [line for line in lines if {"Command", "TimeToAnswer", "request_id", "_aws"} <= line.keys()]
        self.expect(len(summaries) == 1, "one line of the log that sums the interaction up", *lines)

    def spins_down(self, function: Any) -> None:
        ends = function.spindown()
        well = len(ends) == 1 and ends[0]["sigterm"] and ends[0]["exit"] == 0
        self.expect(well, "SIGTERM must end the process with exit status 0", *ends)

    def deadline(self) -> None:
        """A run that outlasts the invocation: nothing is said, and a sweep goes on, whatever AWS's clock says."""
        self.standins.scenario("stuck")
        for minutes in (0, 4, -4):
            with aws_ahead(minutes), self.function(timeout=8) as function:
                with self.dispatched(1):
                    self.types(function, "/deploy-client wait:true", within=AT_ONCE_MS)
                in_time = 4000 < function.last()["duration_ms"] < 7900
                self.expect(in_time, f"AWS is ahead by {minutes} min: most of the time is used", function.records())
                self.goes_on("🔵 **Client deploy**")
                self.recorded("running")
                with self.dispatched(0):
                    self.expect(self.sweeps(function) == 1, "a sweep goes on with it")
                    self.goes_on("🔵 **Client deploy**")
                    self.recorded("running")
                    self.cancelled()
                    self.minute_passes()
                    for visited in (1, 0):
                        self.expect(self.sweeps(function) == visited, f"{visited} deploys are due")
                        self.outcome("⚪ **Client deploy** was cancelled")
                        self.recorded("ended", "cancelled", "told by bot")
                self.alive(function)
                self.spins_down(function)
        self.standins.scenario("success")

    def edge(self) -> None:
        """Every shape in which AWS hands over a request; what is wrong in each is the Rust tests' matter."""
        ping = json.dumps({"type": 1, "id": "1", "application_id": "1", "token": "t", "version": 1})
        signed = self.standins.signed(ping)
        for payload, base64 in itertools.product(("v2", "v1", "url"), (False, True)):
            with self.function(payload=payload, force_base64=base64) as function:
                self.pings(function)
                self.expect(function.last()["cold"] is True, "the first PING was no cold start", function.last())
                for method, path, sent, status in (
                    ("POST", "/discord", ping.replace("t", "T").encode(), 401),
                    ("POST", "/discord", b"x" * (1024 * 1024 + 1), 413),
                    ("GET", "/health", None, 200),
                    # No secret is set.
                    ("POST", "/github/webhook", b"{}", 404),
                ):
                    got = function.http(method, path, sent, signed).status
                    self.expect(got == status, f"{payload}, {base64=}: {method} {path}: {got}, not {status}")

    def unregistered(self) -> None:
        """Its extension cannot register: it warns, and works all the same."""
        taken = self.folder / "deckhand-shutdown"
        taken.write_text(EXTENSION)
        taken.chmod(0o755)
        before = len(self.lines)
        with self.function(extensions=[str(taken)]) as function:
            self.types(function, "/agents")
            self.alive(function)
        warnings = [line for line in self.lines[before:] if "could not be registered" in line]
        self.expect(len(warnings) == 1 and '"WARN"' in warnings[0], "one warning", *warnings)

    def schedule(self) -> None:
        """A schedule's event: worked off before the answer, its error told to Lambda, and one digest after a retry."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": now, "detail": {"task": "digest"}}
        env = {**self.settings(), "DIGEST_CHANNEL_ID": self.standins.about["channel_id"]}
        with self.function(env, errors=1) as function:
            self.standins.call("PUT", "/channel", {"send": False})
            refused = function.invoke(event)
            self.expect(not refused.ok and b"Send Messages" in refused.payload, "an error", refused.payload)
            self.standins.call("PUT", "/channel", {})
            for outcome in ("posted", "already there"):
                answer = function.invoke(event)
                # Right after the answer, which thaws nothing.
                posted = [post for post in self.standins.call("GET", "/channel") if "Daily digest" in post["content"]]
                told = answer.ok and answer.json() == {"digest": outcome}
                self.expect(told, f"the same event again must be answered with: {outcome}", answer.payload)
                self.expect(len(posted) == 1, "one digest", *posted)
            self.alive(function)

    def ignored(self) -> None:
        """Events that ask for nothing: no digest, one line in the log and no metrics."""
        env = {**self.settings(), "DIGEST_CHANNEL_ID": self.standins.about["channel_id"]}
        before, posted = len(self.lines), self.standins.call("GET", "/channel")
        with self.function(env) as function:
            for event in NOT_OURS:
                answer = function.invoke(event)
                self.expect(answer.ok and "ignored" in answer.json(), f"{event} is ignored", answer.payload)
        self.expect(self.standins.call("GET", "/channel") == posted, "nothing was posted")
        lines = self.lines[before:]
        told = len(lines) == len(NOT_OURS) and all("ignored" in line and "_aws" not in line for line in lines)
        self.expect(told, "one line for each event", *lines)


SCENARIOS = (Freeze.deploy, Freeze.deadline, Freeze.edge, Freeze.unregistered, Freeze.schedule, Freeze.ignored)

if __name__ == "__main__":
    sys.exit(main(Freeze, *SCENARIOS))
