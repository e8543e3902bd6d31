#!/usr/bin/env python3
from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime
from typing import Any

from function import AT_ONCE_MS, FunctionCheck, main


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
        """A run that never ends: there is an answer before Lambda kills the process."""
        self.standins.scenario("stuck")
        with self.function(timeout=8) as function:
            self.types(function, "/deploy-client wait:true", within=AT_ONCE_MS)
            self.outcome("⏱️ **Client deploy**")
            self.expect(function.last()["duration_ms"] < 7900, "the invocation used up its time", function.records())
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
                ):
                    got = function.http(method, path, sent, signed).status
                    self.expect(got == status, f"{payload}, {base64=}: {method} {path}: {got}, not {status}")
                for event in ({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}, None, "text"):
                    self.expect(function.invoke(event).ok, f"an event that is no HTTP request: {event}")

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
                posted = self.standins.call("GET", "/channel")
                told = answer.ok and answer.json() == {"digest": outcome}
                self.expect(told, f"the same event again must be answered with: {outcome}", answer.payload)
                self.expect(len(posted) == 1 and "Daily digest" in posted[0]["content"], "one digest", *posted)
            self.alive(function)


if __name__ == "__main__":
    sys.exit(main(Freeze, Freeze.deploy, Freeze.deadline, Freeze.edge, Freeze.schedule))
