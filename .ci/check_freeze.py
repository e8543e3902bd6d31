#!/usr/bin/env python3
"""Runs the release binary as the Lambda function that it is: with the freeze on.

    check_freeze.py --deckhand BINARY --standins BINARY --emulator FOLDER

Exit status: 0 all well, 1 something is not, 2 the check could not run.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from function import AT_ONCE_MS, FunctionCheck, arguments, flat, the_emulator, the_standins

# Settings that the bot does not need for this, or does not know yet. No value may show up in its log.
PLANTED = {name: f"planted-{secrets.token_hex(12)}" for name in ("DISCORD_BOT_TOKEN", "GITHUB_WEBHOOK_SECRET")}
MEBIBYTE = 1024 * 1024


class Check(FunctionCheck):
    def settings(self) -> dict[str, str]:
        return {
            **self.standins.environment(),
            **PLANTED,
            # The finest level, where a secret would show.
            "LOG_LEVEL": "trace",
            "POLL_INTERVAL_SECONDS": "0.5",
        }

    def hidden(self) -> dict[str, str]:
        return PLANTED

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


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main() -> int:
    asked = arguments(__doc__).parse_args()
    emulator = the_emulator(asked.emulator)
    if emulator is None:
        return 2
    with the_standins(asked.standins, asked.deckhand) as (standins, folder):
        check = Check(asked.deckhand.resolve(), standins, emulator, folder)
        steps = [
            check.deploy,
            check.deadline,
            check.ping_and_edge,
            check.other_events,
            check.schedule,
            check.log,
        ]
        return check.run(steps, "with the freeze on")


if __name__ == "__main__":
    sys.exit(main())
