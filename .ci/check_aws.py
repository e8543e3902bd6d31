#!/usr/bin/env python3
from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from function import AT_ONCE_MS, TABLE, FunctionCheck, content, main

RACES = 6
# A connection that was idle for longer than 15 s is not used again.
LONG_FREEZE = 16
ADA = "810000000000000001"
TAKEN = "was taken already"


class Aws(FunctionCheck):
    """Runs the release binary on Lambda, with its secrets in SSM and its memory in DynamoDB."""

    def record(self) -> dict[str, str]:
        """What the table holds of the deploy that was typed last."""
        key = {"pk": {"S": "agent#deploy_client"}, "sk": {"S": self.id.zfill(20)}}
        item = self.dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {})
        return {name: next(iter(value.values())) for name, value in item.items()}

    def recorded(self, *expected: str) -> None:
        """Its state in the table, and its outcome if it ended."""
        record = self.record()
        seen = tuple(record[name] for name in ("state", "outcome") if name in record)
        self.expect(seen == expected, f"its record must be {expected}", record)

    def succeeds(self, function: Any, **how: Any) -> None:
        """A whole deploy, from the command to its outcome and what is remembered of it."""
        with self.dispatched(1):
            self.types(function, "/deploy-client wait:true", **how)
        self.outcome("🟢 **Client deploy** succeeded")
        self.recorded("ended", "success")

    def dispatches(self, function: Any, **how: Any) -> None:
        """A deploy that is not followed: quicker to check, and the same for the table but for the run's page."""
        with self.dispatched(1):
            self.types(function, "/deploy-client", **how)
        said = json.dumps([self.typed, *self.shown()], ensure_ascii=False)
        self.expect("🚀 **Client deploy** dispatched" in said, "an answer that it was dispatched", said)
        self.recorded("ended", "dispatched")

    def replay_refused(self, function: Any, standing: str) -> None:
        """A replay of what was typed last is told that it was taken, and how it and its run stand."""
        run = self.standins.call("GET", "/github/dispatches")[-1]["run_id"]
        sent = self.typed["sent"]
        with self.dispatched(0):
            said = json.loads(function.http("POST", "/discord", sent["body"].encode(), sent["headers"]).body)
            self.expect(function.wait_idle(5), "the replay did not end")
        told = said["type"] == 4 and all(words in content(said) for words in (TAKEN, standing, f"/runs/{run}"))
        self.expect(told, f"a replay is told: {standing}", said)

    # ---- what is checked

    def deploy(self) -> None:
        """A deploy with its secret in SSM and its record in the table; a replay is refused."""
        with self.function() as function:
            self.succeeds(function)
            self.replay_refused(function, "It ended: `success`")
            reads = [asked for asked in self.between.asked if asked.operation == "GetParameter"]
            self.expect(len(reads) == 1, "the secret is read once", *reads)
            self.alive(function)

    def no_need(self) -> None:
        """PING and /agents ask nothing of AWS, so it makes no difference to them if it does not answer."""
        seen = len(self.between.connections), len(self.between.asked)
        self.between.silent = True
        with self.function() as function:
            self.pings(function, AT_ONCE_MS)
        with self.function() as function:
            said = self.types(function, "/agents", within=AT_ONCE_MS)
            self.expect(said["type"] == 4, "/agents on a cold start", said)
        self.between.silent = False
        self.expect(seen == (len(self.between.connections), len(self.between.asked)), "AWS was asked")

    def races(self) -> None:
        """One interaction, delivered to two processes at the same moment: one of them dispatches."""
        with self.function(max_concurrency=2, environments=2) as function:
            # Followed to its end from a cold start; then woken from the freeze.
            for turn in [self.succeeds, *[self.dispatches] * RACES]:
                turn(function, twice=True)
                refused = [said for said in (self.typed, self.typed["twin"]) if TAKEN in content(said["body"])]
                self.expect(len(refused) == 1, "one of two is refused", self.typed)
                processes = {record["env"] for record in function.records()[-2:]}
                self.expect(len(processes) == 2, "two processes are in the race", *function.records()[-2:])

    def killed(self) -> None:
        """A process is killed while it follows a run: a replay to the next one dispatches nothing."""
        self.standins.scenario("stuck")
        with self.function(environments=2, killed=1) as function:
            self.sends(function, "/deploy-client wait:true")
            self.until("its run is noted", lambda: "run_page" in self.record())
            os.kill(function.report()["environments"][0]["pid"], signal.SIGKILL)
            self.until("the process ended", lambda: function.report()["environments"][-1]["end"] is not None)
            self.replay_refused(function, "It is under way")
            self.expect(function.last()["cold"] is True, "the replay was no cold start", function.last())
            self.recorded("pending")
        self.standins.scenario("success")

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not holds() and time.monotonic() < end:
            time.sleep(0.02)
        self.expect(holds(), f"in vain for 10 s: {what}")

    def administration(self) -> None:
        """/status, /doctor with both secrets, /set-frontend: the role allows what they ask for."""
        env = self.settings(AllowSecretWrites="true", AdminUserIds=ADA)
        with self.function(env) as function:
            for text, *expected in (
                ("/status", "**Client deploy**"),
                ("/doctor", "✅ **Discord:** The token,", "✅ **GitHub:** It takes the token"),
                ("/set-frontend url:https://example.com confirm:true", "✅"),
            ):
                self.types(function, text)
                said = self.shown()[0]["content"]
                self.expect(all(words in said for words in expected), f"an answer to {text} with {expected}", said)

    def thawed(self) -> None:
        """Connections died while the process was frozen: the next command neither notices nor is done twice."""
        with self.function() as function:
            self.dispatches(function)
            for end in (self.between.cut, self.between.forget) * 2:
                end()
                time.sleep(0.2)
                self.dispatches(function)
                self.expect(function.last()["cold"] is False, "it was no warm start", function.last())
            self.between.forget()
            time.sleep(LONG_FREEZE)
            self.succeeds(function)


if __name__ == "__main__":
    sys.exit(main(Aws, Aws.deploy, Aws.no_need, Aws.races, Aws.killed, Aws.administration, Aws.thawed))
