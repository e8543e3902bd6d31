#!/usr/bin/env python3
from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import signal
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from function import ANSWERED_MS, AT_ONCE_MS, REPOSITORY, FunctionCheck, content, main

RACES = 6
# A connection that was idle for longer than 15 s is not used again.
LONG_FREEZE = 16
ADA = "810000000000000001"
TAKEN = "was taken already"
SUCCEEDED = "🟢 **Client deploy** succeeded"
CANCELLED = "⚪ **Client deploy** was cancelled"
# With webhooks a run is waited for by nobody.
BEGUN_MS = 5000
# So many deliveries come at once, about so many deploys, while so many processes may be at work.
DELIVERIES, DEPLOYS, PROCESSES = 50, 5, 10
WEBHOOK_SECRET = f"planted-{secrets.token_hex(12)}"


class Aws(FunctionCheck):
    """Runs the release binary on Lambda, with its secrets in SSM and its memory in DynamoDB."""

    def succeeds(self, function: Any, **how: Any) -> None:
        """A whole deploy, from the command to its outcome and what is remembered of it."""
        with self.dispatched(1):
            self.types(function, "/deploy-client wait:true", **how)
        self.outcome(SUCCEEDED)
        self.recorded("ended", "success", "told by bot")

    def dispatches(self, function: Any, **how: Any) -> None:
        """A deploy that nobody waits for: it is open after the answer."""
        with self.dispatched(1):
            self.types(function, "/deploy-client", **how)
        if how.get("twice"):
            # The other answer may be the one that is shown.
            said = json.dumps([self.typed, *self.shown()], ensure_ascii=False)
            self.expect("🚀 **Client deploy** started" in said, "an answer that it was dispatched", said)
            self.expect(not self.told(), "nobody is told anything", *self.told())
        else:
            self.goes_on("🚀 **Client deploy** started")
        self.recorded("running")

    def replay_refused(self, function: Any, standing: str) -> None:
        """A replay of what was typed last dispatches nothing. It is told that it was taken, and how it and its run
        stand, however late it is."""
        run = self.record()["target"]["run_id"]
        said = self.replay(function)
        told = said["type"] == 4 and all(words in content(said) for words in (TAKEN, standing, f"/runs/{run}"))
        self.expect(told, f"a replay is told: {standing}", said)

    def replay(self, function: Any) -> Any:
        sent = self.typed["sent"]
        with self.dispatched(0):
            answer = function.http("POST", "/discord", sent["body"].encode(), sent["headers"])
            self.expect(function.wait_idle(5), "the replay did not end")
        return json.loads(answer.body)

    def delivers(self, function: Any, event: str, **payload: Any) -> int:
        """GitHub delivers to the webhook; the status of the answer."""
        body = json.dumps({"repository": {"full_name": REPOSITORY}, **payload}).encode()
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": str(uuid.uuid4()),
            "x-hub-signature-256": f"sha256={signature}",
        }
        return function.http("POST", "/github/webhook", body, headers).status

    def delivered(self, function: Any, action: str, run: dict[str, Any]) -> None:
        """GitHub tells of a run, and all that follows from it is done."""
        self.expect(function.wait_idle(10), "the function is at work")
        status = self.delivers(function, "workflow_run", action=action, workflow_run=run)
        self.expect(status == 204, f"a delivery is taken: {action}", status)
        self.expect(function.wait_idle(10), "a delivery's invocation did not end")

    @contextmanager
    def hooked(self, **how: Any) -> Any:
        """The function with webhooks, which GitHub has just pinged."""
        env = self.settings(UseWebhooks="true")
        self.planted.add(WEBHOOK_SECRET)
        name = env["GITHUB_WEBHOOK_SECRET_PARAMETER"]
        self.ssm.put_parameter(Name=name, Value=WEBHOOK_SECRET, Type="SecureString", Overwrite=True)
        with self.function(env, **how) as function:
            status = self.delivers(function, "ping", zen="Half measures are as bad as nothing at all.")
            self.expect(status == 204, "the ping is taken", status)
            self.expect(function.wait_idle(10), "the ping did not end")
            yield function

    def begins(self, function: Any) -> None:
        """A deploy whose run goes on without anybody who waits for it."""
        with self.dispatched(1):
            self.types(function, "/deploy-client wait:true")
        self.expect(function.last()["duration_ms"] < BEGUN_MS, "nobody waits for its run", function.last())
        self.goes_on("🔵 **Client deploy**")
        self.recorded("running")

    # ---- what is checked

    def deploy(self) -> None:
        """A deploy with its secret in SSM and its record in the table; a replay is refused."""
        with self.function() as function:
            self.succeeds(function)
            self.replay_refused(function, "It ended: `success`")
            reads = [asked.body["Name"] for asked in self.between.asked if asked.operation == "GetParameter"]
            names = {"/deckhand/github-token", "/deckhand/discord-bot-token"}
            self.expect(sorted(reads) == sorted(names), "each secret is read once", *reads)
            self.alive(function)

    def no_need(self) -> None:
        """PING asks nothing of AWS, and /agents does not wait for it: to neither it matters if it does not answer."""
        seen = len(self.between.connections), len(self.between.asked)
        self.between.silent = True
        with self.function() as function:
            self.pings(function, AT_ONCE_MS)
        self.expect(seen == (len(self.between.connections), len(self.between.asked)), "AWS was asked")
        with self.function() as function:
            said = self.types(function, "/agents", within=AT_ONCE_MS)
            well = said["type"] == 4 and "/deploy-client" in content(said)
            self.expect(well, "/agents on a cold start", said)
        self.between.silent = False

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

    def unwaited(self) -> None:
        """A deploy that nobody waits for: a sweep after its run's end shows how it ended, and pings nobody."""
        self.standins.scenario("stuck")
        with self.function() as function:
            self.dispatches(function)
            self.cancelled()
            self.minute_passes()
            for _ in range(2):
                self.sweeps(function)
                self.goes_on(CANCELLED)
                self.recorded("ended", "cancelled", "nobody")
        self.standins.scenario("success")

    def killed(self) -> None:
        """A process is killed while it follows a run: the next one dispatches nothing, and a sweep tells the end."""
        self.standins.scenario("stuck")
        with self.function(environments=2, killed=1) as function:
            with self.dispatched(1):
                self.sends(function, "/deploy-client wait:true")
                self.until("its run is noted", lambda: "target" in self.record())
            os.kill(function.report()["environments"][0]["pid"], signal.SIGKILL)
            self.until("the process ended", lambda: function.report()["environments"][-1]["end"] is not None)
            self.replay_refused(function, "It is under way")
            self.expect(len(function.report()["environments"]) == 2, "the replay was no cold start", function.last())
            self.recorded("running", held=True)
            self.cancelled()
            with self.dispatched(0):
                self.sweeps(function)
                self.goes_on("🔵 **Client deploy**")
                self.recorded("running", held=True)
                self.minute_passes()
                for _ in range(2):
                    self.sweeps(function)
                    self.outcome(CANCELLED)
                    self.recorded("ended", "cancelled", "told by bot")
            self.replay_refused(function, "It ended: `cancelled`")
        self.standins.scenario("success")

    def click(self, function: Any, label: str) -> Any:
        """Ada presses a button of what was typed last."""
        ask = {"message_id": self.shown()[0]["id"], "label": label, "endpoint": f"{function.url}/discord"}
        clicked = self.standins.call("POST", "/click", ask)
        self.tokens[clicked["interaction_id"]] = clicked["token"]
        return clicked

    def dies_in_a_click(self, function: Any) -> None:
        """It is killed as soon as it asks AWS for anything, which it never learns."""
        asked = len(self.between.asked)
        self.between.silent = True
        with ThreadPoolExecutor(1) as at_once:
            click = at_once.submit(self.click, function, "Cancel")
            self.until("it asks AWS", lambda: len(self.between.asked) > asked)
            os.kill(function.report()["environments"][0]["pid"], signal.SIGKILL)
            click.result()
        self.between.silent = False

    def clicks(self) -> None:
        """Cancel on a cold start: done once, also if the process is killed in the midst of it, and on the card."""
        self.standins.scenario("stuck")
        for killed in (False, True):
            with self.hooked() as function:
                self.begins(function)
                self.until("its run begins", lambda: self.on_github()["status"] == "in_progress")
            # Another process, whose first event is the click.
            env = self.settings(UseWebhooks="true")
            with self.function(env, environments=1 + killed, killed=int(killed)) as function:
                if killed:
                    self.dies_in_a_click(function)
                clicked = self.click(function, "Cancel")
                in_time = clicked["elapsed_ms"] < ANSWERED_MS and not clicked["wrong"]
                self.expect(in_time, f"an answer to the click within {ANSWERED_MS} ms", clicked)
                self.expect(function.wait_idle(20), "the click did not end")
                self.until("its run ends", lambda: self.on_github()["status"] == "completed")
                self.minute_passes()
                for _ in range(2):
                    self.sweeps(function)
                    self.outcome(CANCELLED)
                    self.recorded("ended", "cancelled", "told by bot")
            cancel = f"/repos/{REPOSITORY}/actions/runs/{self.on_github()['id']}/cancel"
            sent = [one for one in self.standins.call("GET", "/github/requests") if one["path"] == cancel]
            self.expect(len(sent) == 1, "GitHub is asked once to cancel it", *sent)
            done = [
                (click["action"], str(click["user_id"]), click["result"]["is"]) for click in self.record()["clicks"]
            ]
            self.expect(done == [("cancel", ADA, "done")], "the record tells of the click", *done)
        self.standins.scenario("success")

    def webhooks(self) -> None:
        """With webhooks nobody waits for a run: deliveries tell how it goes on, and one message how it ended."""
        self.standins.scenario("stuck")
        with self.hooked() as function:
            self.begins(function)
            self.until("its run begins", lambda: self.on_github()["status"] == "in_progress")
            self.delivered(function, "in_progress", self.on_github())
            self.goes_on("🔵 **Client deploy**: in progress")
            self.cancelled()
            run = self.on_github()
            for action in ("completed", "completed", "in_progress"):
                self.delivered(function, action, run)
                self.outcome(CANCELLED)
                self.recorded("ended", "cancelled", "told by bot")
            self.sweeps(function)
            self.outcome(CANCELLED)
            asked, requests = len(self.between.asked), self.standins.call("GET", "/github/requests")
            self.delivered(function, "completed", {**run, "id": run["id"] + 1_000_000})
            cost = [one.operation for one in self.between.asked[asked:]]
            self.expect(cost == ["GetItem"], "a run that is not ours costs one read", *cost)
            self.expect(self.standins.call("GET", "/github/requests") == requests, "GitHub was asked about it")
        self.standins.scenario("success")

    def burst(self) -> None:
        """Many deliveries at once: each that is let in is worked off, no end is told twice, and PING is answered."""
        self.standins.scenario("stuck")
        with self.hooked(max_concurrency=PROCESSES, environments=PROCESSES, throttled=True) as function:
            function.prewarm(PROCESSES - 1)
            deploys = []
            for _ in range(DEPLOYS):
                self.begins(function)
                self.cancelled()
                deploys.append((self.typed, self.on_github()))
            with ThreadPoolExecutor(DELIVERIES + 1) as at_once:
                runs = [run for _, run in deploys] * (DELIVERIES // DEPLOYS)
                of_end = {"action": "completed"}
                answers = at_once.map(
                    lambda run: (run["id"], self.delivers(function, "workflow_run", workflow_run=run, **of_end)), runs
                )
                pinged = at_once.submit(self.pings_amid, function)
                answers = [*answers]
            self.expect(pinged.result(), f"PING is answered within {ANSWERED_MS} ms")
            self.expect(function.wait_idle(30), "the deliveries' invocations did not end")
            self.expect({status for _, status in answers} <= {204, 429}, "each is let in or turned away", *answers)
            let_in = {run_id for run_id, status in answers if status == 204}
            self.expect(bool(let_in), "some are let in", *answers)
            for sweeps in range(3):
                for typed, run in deploys:
                    self.typed, self.id = typed, typed["interaction_id"]
                    # The sweep tells of those whose deliveries were all turned away.
                    if sweeps or run["id"] in let_in:
                        self.outcome(CANCELLED)
                        self.recorded("ended", "cancelled", "told by bot")
                self.sweeps(function)
        self.standins.scenario("success")

    def pings_amid(self, function: Any) -> bool:
        """Discord checks the endpoint, again if it is turned away."""
        end = time.monotonic() + ANSWERED_MS / 1000
        while time.monotonic() < end:
            pong = self.standins.call("POST", "/ping", {"endpoint": f"{function.url}/discord"})
            if pong["body"] == {"type": 1} and not pong["wrong"]:
                return True
            time.sleep(0.05)
        return False

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

    def nothing_else(self) -> None:
        """The template's role allows nothing that was not asked for here."""
        # Lambda itself writes the log.
        allowed = {(action, on) for action, on in self.allows if not action.startswith("logs:")}
        unused = sorted(allowed - self.needed())
        self.expect(bool(allowed) and not unused, "the role allows no more than is asked", *unused)


SCENARIOS = (
    *(Aws.deploy, Aws.no_need, Aws.races, Aws.unwaited, Aws.killed, Aws.clicks, Aws.administration),
    *(Aws.thawed, Aws.webhooks, Aws.burst, Aws.nothing_else),
)

if __name__ == "__main__":
    sys.exit(main(Aws, *SCENARIOS))
