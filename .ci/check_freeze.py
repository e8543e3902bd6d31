#!/usr/bin/env python3
from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from function import AT_ONCE_MS, FunctionCheck, main

MEBIBYTE = 1024 * 1024


class Freeze(FunctionCheck):
    """Runs the release binary as the Lambda function that it is: with the freeze on."""

    def deploy(self) -> None:
        """Work after the answer, cold: all of it within the one invocation, and only then the freeze."""
        with self.function(timeout=60) as function:
            with self.dispatched(1):
                said = self.types(function, "/deploy-client wait:true", within=AT_ONCE_MS)
            self.expect(said.body["type"] == 5, "a deferred answer (type 5)", said)
            # Before anything else reaches the function, which would thaw it.
            self.outcome("🟢 **Client deploy** succeeded")
            report = function.report()
            [invocation] = report["invocations"]
            sent = [datetime.fromisoformat(sent["at"]) for sent in self.standins.call("GET", "/discord/requests")]
            spans = [span for environment in report["environments"] for span in environment["frozen_spans"]]
            early = [span for span in spans if invocation["at"] < span[0] < max(sent).timestamp()]
            self.expect(not early, "frozen before the last message was sent", sent, *early)
            self.expect(len(spans) == 1 and spans[0][1] is None, "frozen once, after it was done", *spans)
            at_once = invocation["response_ms"] < AT_ONCE_MS < invocation["duration_ms"]
            self.expect(at_once, "the answer goes out at once, and the invocation goes on", invocation)
            deploy = self.id
            self.alive(function)
            self.spins_down(function)
        lines = self.logged(deploy)
        summaries = [line for line in lines if line.get("event") == "interaction"]
        whole = len(summaries) == 1 and {"Command", "TimeToAnswer", "request_id", "_aws"} <= summaries[0].keys()
        self.expect(whole, "one line of the log that sums the interaction up", *lines)
        found = [line for line in lines if {"correlation_id", "run_id", "command"} <= line.keys()]
        self.expect(bool(found), "a line of the log with correlation_id, run_id and command", *lines)

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
        """Every shape in which AWS hands over a request: PING, a wrong signature, other paths."""
        ping = json.dumps({"type": 1, "id": "1", "application_id": "1", "token": "t", "version": 1})
        signed = self.standins.signed(ping)
        # HTTP/1 header names have no case, and REST APIs hand them over as they came.
        capitals = {name.title(): value for name, value in signed.items()}
        for payload, base64 in [(payload, base64) for payload in ("v2", "v1", "url") for base64 in (False, True)]:
            with self.function(payload=payload, force_base64=base64) as function:
                pong = self.standins.pings(self.wire.endpoint)
                self.expect(pong["body"] == {"type": 1} and not pong["wrong"], "PING on a cold start", pong)
                self.expect(function.last()["cold"] is True, "the first PING was no cold start", function.last())
                for method, path, sent, headers, status in (
                    ("POST", "/discord", ping.encode(), capitals, 200),
                    ("POST", "/discord", ping.replace("t", "T").encode(), signed, 401),
                    ("POST", "/discord", b"x" * (MEBIBYTE + 1), signed, 413),
                    ("GET", "/discord", None, None, 405),
                    ("GET", "/health", None, None, 200),
                    ("GET", "/", None, None, 404),
                ):
                    got = function.http(method, path, sent, headers).status
                    self.expect(got == status, f"{payload}, {base64=}: {method} {path}: {got}, not {status}")

    def not_set_up(self) -> None:
        """Without a table it still answers PING, so that its address can be saved and the rest be mended."""
        env = self.settings()
        del env["TABLE_NAME"]
        with self.function(env) as function:
            pong = self.standins.pings(self.wire.endpoint)
            self.expect(pong["body"] == {"type": 1} and not pong["wrong"], "PING", pong)
            self.alive(function)

    def other_events(self) -> None:
        """What is no HTTP request does not crash the function, nor what only looks like one."""
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
            self.alive(function)

    def schedule(self) -> None:
        """A schedule's event: worked off before the answer, its error told to Lambda, and one digest after a retry."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": now, "detail": {"task": "digest"}}
        env = {**self.settings(), "DIGEST_CHANNEL_ID": self.standins.about["channel_id"]}
        with self.function(env, errors=1) as function:
            self.standins.call("PUT", "/channel", {"send": False})
            refused = function.invoke(event)
            what_to_do = not refused.ok and "Send Messages" in refused.json()["errorMessage"]
            self.expect(what_to_do, "an error that says what to do where the bot may not post", refused.payload)
            self.standins.call("PUT", "/channel", {})
            for outcome in ("posted", "already there"):
                answer = function.invoke(event)
                # Right after the answer, which thaws nothing.
                posted = self.standins.call("GET", "/channel")
                told = answer.ok and answer.json() == {"digest": outcome}
                self.expect(told, f"the same event again must be answered with: {outcome}", answer.payload)
                whole = len(posted) == 1 and "Daily digest" in posted[0]["content"] and not posted[0]["pings"]
                self.expect(whole, "one digest that notifies nobody", *posted)
            self.alive(function)

    def scenarios(self) -> list[Callable[[], None]]:
        return [self.deploy, self.deadline, self.edge, self.not_set_up, self.other_events, self.schedule]


if __name__ == "__main__":
    sys.exit(main(Freeze))
