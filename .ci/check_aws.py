#!/usr/bin/env python3
from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from function import AT_ONCE_MS, TABLE, TAKEN, FunctionCheck, main

RACES = 6
# A connection that was idle for longer than 15 s is not used again.
LONG_FREEZE = 16
ADA = "810000000000000001"


class Aws(FunctionCheck):
    """Runs the release binary on Lambda, with its secrets in SSM and its memory in DynamoDB."""

    def record(self, interaction_id: str) -> dict[str, str]:
        """What the table holds of a deploy."""
        key = {"pk": {"S": "agent#deploy_client"}, "sk": {"S": interaction_id.zfill(20)}}
        item = self.dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {})
        return {name: next(iter(value.values())) for name, value in item.items()}

    def recorded(self, *expected: str) -> dict[str, str]:
        """What the table holds of the deploy that was typed last: its state, and its outcome if it ended."""
        record = self.record(self.id)
        seen = tuple(record[name] for name in ("state", "outcome") if name in record)
        self.expect(seen == expected, f"its record must be {expected}", record)
        return record

    def succeeds(self, function: Any) -> None:
        """A whole deploy, from the command to its outcome and what is remembered of it."""
        with self.dispatched(1):
            said = self.types(function, "/deploy-client wait:true")
        self.expect(said.body["type"] == 5, "a deferred answer (type 5)", said)
        self.outcome("🟢 **Client deploy** succeeded")
        self.recorded("ended", "success")

    def dispatches(self, function: Any) -> None:
        """A deploy that is not followed: quicker to check, and the same for the table but for the run's page."""
        with self.dispatched(1):
            self.types(function, "/deploy-client")
        self.expect("🚀 **Client deploy** dispatched" in self.shown(), "an answer that it was dispatched", self.shown())
        self.recorded("ended", "dispatched")

    def replay_refused(self, function: Any, *standing: str) -> None:
        """A replay of what was typed last is told that it was taken, and how it stands."""
        with self.dispatched(0):
            said = self.wire.again(self.id)
            self.expect(function.wait_idle(5), "the replay did not end")
        for words in (TAKEN, *standing):
            self.expect(said.body["type"] == 4 and words in said.content, f"a replay is told: {words}", said)

    # ---- what is checked

    def deploy(self) -> None:
        """A deploy with its secret in SSM and its record in the table; a replay is refused."""
        with self.function() as function:
            self.succeeds(function)
            page = f"/actions/runs/{self.standins.call('GET', '/github/dispatches')[-1]['run_id']}"
            record = self.record(self.id)
            self.expect(page in record.get("run_page", ""), "its run in the record", record)
            days = (float(record.get("expires_at", 0)) - time.time()) / 86400
            self.expect(1 < days < 366, "a record that is forgotten some day, and not too soon", record)
            self.replay_refused(function, "It ended: `success`", page)
            reads = [asked for asked in self.between.asked if asked.operation == "GetParameter"]
            self.expect(len(reads) == 1, "the secret is read once", *reads)
            self.alive(function)

    def no_need(self) -> None:
        """PING and /agents ask nothing of AWS, so it makes no difference to them if it does not answer."""
        seen = self.between.accepted, len(self.between.asked)
        self.between.silent = True
        with self.function() as function:
            pong = self.standins.pings(self.wire.endpoint)
            well = pong["body"] == {"type": 1} and pong["elapsed_ms"] < AT_ONCE_MS
            self.expect(well and not pong["wrong"], f"PING on a cold start within {AT_ONCE_MS} ms", pong)
        with self.function() as function:
            said = self.types(function, "/agents", within=AT_ONCE_MS)
            self.expect(said.body["type"] == 4, "/agents on a cold start", said)
        self.between.silent = False
        self.expect(seen == (self.between.accepted, len(self.between.asked)), "AWS was asked")

    def races(self) -> None:
        """One interaction, delivered to two processes at the same moment: one of them dispatches."""
        self.wire.copies = 2
        with self.function(max_concurrency=2, environments=2) as function:
            # Followed to its end from a cold start; then woken from the freeze.
            for turn in [self.succeeds, *[self.dispatches] * RACES]:
                turn(function)
                refused = [said for said in self.wire.last if TAKEN in said.content]
                self.expect(len(refused) == 1, "one of two is refused", *self.wire.last)
                processes = {record["env"] for record in function.records()[-2:]}
                self.expect(len(processes) == 2, "two processes are in the race", *function.records()[-2:])
        self.wire.copies = 1

    def killed(self) -> None:
        """A process is killed while it follows a run: a replay to the next one dispatches nothing."""
        self.standins.scenario("stuck")
        with self.function(environments=2, killed=1) as function:
            self.id = str(self.standins.types("/deploy-client wait:true", self.wire.endpoint)["interaction_id"])
            self.until("its run is noted", lambda: "run_page" in self.record(self.id))
            [process] = function.report()["environments"]
            os.kill(process["pid"], signal.SIGKILL)
            self.until("the process ended", lambda: function.report()["environments"][-1]["end"] is not None)
            run = self.standins.call("GET", "/github/dispatches")[-1]["run_id"]
            self.replay_refused(function, "It is under way", f"/actions/runs/{run}")
            self.expect(function.last()["cold"] is True, "the replay was no cold start", function.last())
            self.recorded("pending")
        self.standins.scenario("success")

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not holds() and time.monotonic() < end:
            time.sleep(0.02)
        self.expect(holds(), f"in vain for 10 s: {what}")

    def administration(self) -> None:
        """/status, /doctor with both secrets, /set-frontend, which writes once: the role allows what they ask for."""
        env = self.settings(AllowSecretWrites="true", AdminUserIds=ADA)
        with self.function(env, environments=2) as function:
            self.types(function, "/status")
            self.types(function, "/doctor")
            for words in ("✅ **Discord:** The token,", "✅ **GitHub:** It takes the token"):
                self.expect(words in self.shown(), f"an answer that says {words}", self.shown())
            before = len(self.standins.call("GET", "/github/requests"))
            self.types(function, "/set-frontend url:https://example.com confirm:true")
            function.spindown()
            self.replay_refused(function)
            requests = self.standins.call("GET", "/github/requests")[before:]
            written = [asked for asked in requests if asked["method"] != "GET" and asked["status"] < 300]
            self.expect(len(written) == 2, "one variable and one secret are written", *written)

    def lost(self) -> None:
        """Answers are lost once or twice: it is asked again, and what was taken counts as taken by us."""
        with self.function() as function:
            for operation in ("GetParameter", "PutItem", "UpdateItem"):
                for times in (1, 2):
                    self.between.lost[operation] = times
                    self.dispatches(function)
                    # The secret was read by then.
                    met = not self.between.lost[operation] or operation == "GetParameter"
                    self.expect(met, f"{operation} was asked once more", self.between.lost)
            self.between.lost.update(PutItem=1, UpdateItem=2)
            self.succeeds(function)

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

    def scenarios(self) -> list[Callable[[], None]]:
        return [self.deploy, self.no_need, self.races, self.killed, self.administration, self.lost, self.thawed]


if __name__ == "__main__":
    sys.exit(main(Aws))
