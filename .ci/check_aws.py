#!/usr/bin/env python3
"""Runs the release binary as a Lambda function, with the freeze on, with its secrets in SSM and its memory in DynamoDB.

    check_aws.py --deckhand BINARY --standins BINARY --emulator FOLDER --template TRANSFORMED_TEMPLATE --aws URL

The table, the parameters' names and the function's environment are those of the template that transform.py prints.
At URL a stand-in of AWS listens. What networks and busy services do to a request is done on the way there.

Exit status: 0 all well, 1 something is not, 2 the check could not run.
"""

from __future__ import annotations

import fnmatch
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from cloudformation import PSEUDO, Template
from function import AT_ONCE_MS, FunctionCheck, Said, arguments, flat, the_emulator, the_standins
from interference import Interference

from standins import StandIns

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDSTANDIN",
    "AWS_SECRET_ACCESS_KEY": f"planted-{secrets.token_hex(12)}",
    "AWS_SESSION_TOKEN": f"planted-{secrets.token_hex(12)}",
}
OTHER_TOKEN = f"ghs_planted_{secrets.token_hex(12)}"
# From the command to an answer of any kind: Discord's three seconds.
ANSWERED_MS = 3000
RACES = 10
# A connection that was idle for longer is not used again; see src/outbound.rs.
LONG_FREEZE = 16
ADA = "810000000000000001"
TABLE = f"deckhand-Table-{secrets.token_hex(6).upper()}"
# What an agent's deploys are kept under.
DEPLOYS = "agent#deploy_client"
NOTHING_DONE = "Nothing was done, because Deckhand cannot tell whether this command was taken before"
NO_TABLE = "`TABLE_NAME`"


class Check(FunctionCheck):
    def __init__(
        self,
        deckhand: Path,
        standins: StandIns,
        emulator: type,
        folder: Path,
        template: dict[str, Any],
        aws: str,
    ) -> None:
        super().__init__(deckhand, standins, emulator, folder)
        self.template = template
        self.between = Interference(aws)
        client = {
            "region_name": PSEUDO["AWS::Region"],
            "endpoint_url": aws,
            "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            "config": Config(retries={"total_max_attempts": 1}),
        }
        self.dynamodb = boto3.client("dynamodb", **client)
        self.ssm = boto3.client("ssm", **client)
        self.stack = self.deployed()
        self.token = str(self.variables(self.stack)["GITHUB_TOKEN_PARAMETER"])
        self.bot_token = str(self.variables(self.stack)["DISCORD_BOT_TOKEN_PARAMETER"])

    # ---- the stack

    def deployed(self, **more: str) -> Template:
        """The template with the parameters that its users give, and `more` of them."""
        about = self.standins.about
        given = {
            "DiscordPublicKey": about["public_key"],
            "DiscordApplicationId": about["application_id"],
            "GithubRepo": "octo-org/web-client",
            # The finest level, where a secret would show.
            "LogLevel": "trace",
        }
        region, account = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]
        logs = f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/deckhand:*"
        exist = {
            "Table": TABLE,
            "Table.Arn": f"arn:aws:dynamodb:{region}:{account}:table/{TABLE}",
            "FunctionLogs.Arn": logs,
        }
        return Template(self.template, {**given, **more}, exist)

    def variables(self, stack: Template) -> dict[str, str]:
        given = stack.value(stack.properties("DeckhandFunction")["Environment"]["Variables"])
        return {name: str(value) for name, value in given.items()}

    def settings(self, **more: str) -> dict[str, str]:
        elsewhere = {
            "DISCORD_API_BASE": self.standins.about["discord"],
            "GITHUB_API_BASE": self.standins.about["github"],
            "AWS_ENDPOINT_URL": self.between.url,
            "POLL_INTERVAL_SECONDS": "0.5",
        }
        stack = self.deployed(**more) if more else self.stack
        return {**self.variables(stack), **CREDENTIALS, **elsewhere}

    def hidden(self) -> dict[str, str]:
        given = {name: value for name, value in CREDENTIALS.items() if name != "AWS_ACCESS_KEY_ID"}
        return {**given, "another token for GitHub": OTHER_TOKEN}

    def make_table(self) -> None:
        """As CloudFormation would, of the template's own table."""
        table = self.stack.value(self.stack.properties("Table"))
        self.dynamodb.create_table(
            TableName=TABLE,
            **{name: table[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")},
        )
        self.dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=table["TimeToLiveSpecification"])

    def put_secret(self, name: str, value: str, kind: str = "SecureString") -> None:
        self.ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    def put_token(self, value: str | None = None) -> None:
        self.put_secret(self.token, value or self.standins.about["github_token"])

    def items(self) -> list[dict[str, str]]:
        """Everything that is in the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        found = [item for page in pages for item in page["Items"]]
        return [{name: next(iter(value.values())) for name, value in item.items()} for item in found]

    def record(self, interaction_id: str) -> dict[str, str]:
        """What the table holds of a deploy."""
        key = {"pk": {"S": DEPLOYS}, "sk": {"S": interaction_id.zfill(20)}}
        item = self.dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {})
        return {name: next(iter(value.values())) for name, value in item.items()}

    # ---- what happens

    def function(self, env: dict[str, str] | None = None, **how: Any) -> Any:
        own = self.stack.properties("DeckhandFunction")
        named = (("timeout", "Timeout"), ("memory", "MemorySize"))
        limits = {name: float(self.stack.value(own[of])) for name, of in named}
        return super().function(env, **{**limits, **how})

    @contextmanager
    def dispatched(self, times: int) -> Iterator[None]:
        """In here so many workflows are dispatched, and no more."""
        before = len(self.standins.call("GET", "/github/dispatches"))
        yield
        dispatches = self.standins.call("GET", "/github/dispatches")[before:]
        self.expect(len(dispatches) == times, f"{times} dispatches", *dispatches)

    def types(self, function: Any, text: str, *, within: int = ANSWERED_MS, idle: int = 40) -> Said:
        """A command is typed and worked off; its answer came in time and was one that Discord takes."""
        endpoint = self.wire.to(function)
        self.typed = self.standins.types(text, endpoint)
        self.expect(not self.typed["wrong"], f"an answer to {text}", self.typed)
        self.expect(self.typed["elapsed_ms"] < within, f"an answer to {text} within {within} ms", self.typed)
        self.expect(function.wait_idle(idle), f"{text} did not end")
        return Said(self.typed["status"], "", json.dumps(self.typed["body"]).encode())

    @property
    def id(self) -> str:
        """The interaction that was typed last."""
        return str(self.typed["interaction_id"])

    def shown(self) -> str:
        """The original message of the interaction that was typed last."""
        original = [message for message in self.standins.messages(self.id) if not message["follow_up"]]
        return "\n".join(message["content"] for message in original)

    def succeeds(self, function: Any) -> None:
        """A whole deploy, from the command to its outcome and what is remembered of it."""
        with self.dispatched(1):
            said = self.types(function, "/deploy-client wait:true")
        self.expect(said.body["type"] == 5, "a deferred answer (type 5)", said)
        self.outcome(self.id, "🟢 **Client deploy** succeeded")
        record = self.record(self.id)
        self.expect((record.get("state"), record.get("outcome")) == ("ended", "success"), "its record", record)

    def dispatches(self, function: Any, *, recorded: bool = True) -> None:
        """A deploy that is not followed: quicker to check, and the same for the table but for the run's page."""
        with self.dispatched(1):
            self.types(function, "/deploy-client")
        self.expect("🚀 **Client deploy** dispatched" in self.shown(), "an answer that it was dispatched", self.shown())
        record = self.record(self.id)
        ended = (record.get("state"), record.get("outcome")) == ("ended", "dispatched")
        self.expect(ended or not recorded, "its record", record)

    def nothing_done(self, function: Any, text: str, *names: str) -> None:
        """The command is refused in time, in words that name what is the matter, and nothing was dispatched."""
        with self.dispatched(0):
            said = self.types(function, text)
        self.expect(said.body["type"] == 4 and NOTHING_DONE in said.content, "an answer that nothing was done", said)
        self.expect(said.body.get("data", {}).get("flags") == 64, "for the caller alone", said)
        for name in names:
            self.expect(name in said.content, f"an answer that names {name}", said)

    def refused(self, said: Said, *standing: str) -> None:
        """A replay is told that the command was taken, and how it stands."""
        for words in ("was taken already", *standing):
            self.expect(said.body["type"] == 4 and words in said.content, f"a replay is told: {words}", said)

    def lines_of(self, interaction_id: str, level: str) -> list[dict[str, Any]]:
        lines = [flat(json.loads(line)) for line in self.lines if line.startswith("{")]
        return [
            line
            for line in lines
            if str(line.get("interaction_id")) == interaction_id and str(line.get("level")).upper() == level
        ]

    def kill(self, function: Any) -> None:
        """The machine under the function is gone, from one moment to the next."""
        process = next(started for started in function.report()["environments"] if started["end"] is None)
        os.kill(process["pid"], signal.SIGKILL)
        self.until("the process ended", lambda: function.report()["environments"][-1]["end"] is not None)

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                self.expect(False, f"in vain for {seconds} s: {what}")
                return
            time.sleep(0.02)

    # ---- what is checked

    def deploy(self) -> None:
        """A deploy with its secret in SSM and its record in the table."""
        self.doing = "deploy"
        self.standins.scenario("success")
        began = time.time()
        with self.function() as function:
            with self.dispatched(1):
                said = self.types(function, "/deploy-client wait:true", within=AT_ONCE_MS)
            self.expect(said.body["type"] == 5, "a deferred answer (type 5)", said)
            self.outcome(self.id, "🟢 **Client deploy** succeeded")
            self.expect(len(function.records()) == 1, "more than one invocation", function.records())
            record = self.record(self.id)
            run = self.standins.call("GET", "/github/dispatches")[-1]["run_id"]
            self.expect((record.get("state"), record.get("outcome")) == ("ended", "success"), "its record", record)
            self.expect(f"/actions/runs/{run}" in record.get("run_page", ""), "its run in the record", run, record)
            days = (float(record.get("expires_at", 0)) - began) / 86400
            self.expect(1 < days < 366, "a record that is forgotten some day, and not too soon", record)
            self.refused(self.wire.again(self.id), "It ended: `success`", f"/actions/runs/{run}")
            # Both what was taken and what was refused; the secret was read once.
            asked = [(asked.service, asked.operation) for asked in self.between.asked()]
            self.expect(asked.count(("AmazonSSM", "GetParameter")) == 1, "the secret is read once", *asked)
            self.expect(function.wait_idle(5), "the replay did not end")
            self.alive(function, self.wire.to(function))

    def no_need(self) -> None:
        """PING and /agents ask nothing of AWS, so it makes no difference to them if it cannot be reached."""
        for state, turn in (("down", self.between.down), ("silent", self.between.hush)):
            self.doing = f"no need of AWS that is {state}"
            connections, asked = self.between.accepted, len(self.between.asked())
            turn()
            with self.function() as function:
                pong = self.standins.pings(self.wire.to(function))
                self.expect(pong["body"] == {"type": 1} and not pong["wrong"], "PING on a cold start", pong)
                self.expect(pong["elapsed_ms"] < AT_ONCE_MS, f"PING within {AT_ONCE_MS} ms", pong)
            with self.function() as function:
                said = self.types(function, "/agents", within=AT_ONCE_MS)
                self.expect(said.body["type"] == 4, "/agents on a cold start", said)
            self.between.up()
            self.expect(self.between.accepted == connections, "AWS was connected to")
            self.expect(len(self.between.asked()) == asked, "AWS was asked")

    def races(self) -> None:
        """One interaction, delivered to two processes at the same moment: one of them dispatches."""
        self.doing = "race"
        self.wire.copies = 2
        with self.function(max_concurrency=2, environments=2) as function:
            # Followed to its end from a cold start; then woken from the freeze.
            turns = [self.succeeds, *[self.dispatches] * RACES]
            for turn in turns:
                turn(function)
                refused = [said for said in self.wire.last if "was taken already" in said.content]
                self.expect(len(refused) == 1, "one of two is refused", *self.wire.last)
                processes = {record["env"] for record in function.records()[-2:]}
                self.expect(len(processes) == 2, "two processes are in the race", *function.records()[-2:])
        self.wire.copies = 1

    def killed(self) -> None:
        """A process is killed while it follows a run: a replay to the next one dispatches nothing."""
        self.doing = "killed"
        self.standins.scenario("stuck")
        with self.function(environments=2, killed=1) as function:
            with self.dispatched(1):
                typed = self.standins.types("/deploy-client wait:true", self.wire.to(function))
                interaction_id = str(typed["interaction_id"])
                self.until("its run is noted", lambda: "run_page" in self.record(interaction_id))
                self.kill(function)
                run = self.standins.call("GET", "/github/dispatches")[-1]["run_id"]
                replayed = self.wire.again(interaction_id)
                self.refused(replayed, "It is under way", f"/actions/runs/{run}")
                self.expect(function.wait_idle(5), "the replay did not end")
            self.expect(function.last()["cold"] is True, "the replay was no cold start", function.last())
            self.expect(self.record(interaction_id).get("state") == "pending", "the deploy is still pending")
        self.standins.scenario("success")

    def writes_once(self) -> None:
        """/set-frontend, replayed to another process: what it writes is written once."""
        self.doing = "set-frontend"
        env = self.settings(AllowSecretWrites="true", AdminUserIds=ADA)
        with self.function(env, environments=2) as function:
            before = len(self.standins.call("GET", "/github/requests"))
            said = self.types(function, "/set-frontend url:https://example.com confirm:true")
            self.expect(said.body["type"] in (4, 5), "an answer", said)
            function.spindown()
            self.refused(self.wire.again(self.id))
            self.expect(function.wait_idle(5), "the replay did not end")
            requests = self.standins.call("GET", "/github/requests")[before:]
            written = [request for request in requests if request["method"] in ("POST", "PUT", "PATCH")]
            accepted = [request for request in written if request["status"] < 300]
            self.expect(len(accepted) == 2, "one variable and one secret are written", *written)

    def doctor(self) -> None:
        """/doctor signs in to Discord and GitHub with what is in SSM, and names the parameter that it misses."""
        self.doing = "doctor"
        env = self.settings(AdminUserIds=ADA)
        with self.function(env) as function:
            self.types(function, "/doctor")
            for words in ("✅ **Discord:** The token,", "✅ **GitHub:** It takes the token"):
                self.expect(words in self.shown(), f"an answer that says {words}", self.shown())
        self.doing = "doctor without a secret"
        self.ssm.delete_parameter(Name=self.bot_token)
        with self.function(env) as function:
            self.types(function, "/doctor")
            # Escaped, for Markdown.
            shown = self.shown().replace("\\", "")
            for words in (self.bot_token, "DISCORD_BOT_TOKEN_PARAMETER", "does not exist"):
                self.expect(words in shown, f"an answer that names {words}", shown)

    def secret_missing(self) -> None:
        """A parameter that is not there is named, with its setting, where the command was typed and in the log."""
        self.doing = "secret missing"
        self.ssm.delete_parameter(Name=self.token)
        named = f"the SSM parameter `{self.token}` (`GITHUB_TOKEN_PARAMETER`) does not exist"
        with self.function() as function:
            for text in ("/deploy-client wait:true", "/deploy-client", "/status"):
                with self.dispatched(0):
                    self.types(function, text)
                self.expect(named in self.shown(), f"{text} says: {named}", self.shown())
            self.put_token()
            self.dispatches(function)
        logged = [line for line in self.lines if named in line and '"ERROR"' in line]
        self.expect(len(logged) >= 3, "the log names it at each of the commands", *logged)

    def secret_in_the_open(self) -> None:
        """A parameter that is no SecureString is used, and the log warns of it."""
        self.doing = "secret in the open"
        self.ssm.delete_parameter(Name=self.token)
        self.put_secret(self.token, self.standins.about["github_token"], "String")
        with self.function() as function:
            self.dispatches(function)
        warnings = [line for line in self.lines_of(self.id, "WARN") if "SecureString" in json.dumps(line)]
        self.expect(len(warnings) == 1 and self.token in json.dumps(warnings), "one warning that names it", *warnings)
        self.ssm.delete_parameter(Name=self.token)
        self.put_token()

    def secret_changed(self) -> None:
        """GitHub refuses a token that was replaced meanwhile: the new one is read and used."""
        self.doing = "secret changed"
        self.put_token(OTHER_TOKEN)
        with self.function() as function:
            with self.dispatched(0):
                self.types(function, "/deploy-client wait:true")
            self.expect("🟢" not in self.shown() and "thinking" not in self.shown(), "it failed", self.shown())
            self.put_token()
            before = len(self.standins.call("GET", "/github/requests"))
            self.dispatches(function)
            statuses = [request["status"] for request in self.standins.call("GET", "/github/requests")[before:]]
            self.expect(statuses[0] == 401 and 401 not in statuses[1:], "refused once, then no more", statuses)

    def secret_out_of_reach(self) -> None:
        """SSM fails while the table is well: the command ends in an answer, and the next one works."""
        self.doing = "secret out of reach"
        with self.function() as function:
            for error in ("InternalServerError", "AccessDeniedException"):
                self.between.fault("GetParameter", error=error, times=3)
                with self.dispatched(0):
                    self.types(function, "/deploy-client wait:true")
                for words in (self.token, "GITHUB_TOKEN_PARAMETER", error):
                    self.expect(words in self.shown(), f"an answer that names {words}", self.shown())
                self.expect(self.record(self.id).get("outcome") == "not_dispatched", "its record", self.record(self.id))
                self.between.heal()
            self.between.fault("GetParameter", lost=True)
            self.dispatches(function)

    def no_table(self) -> None:
        """The table is not there, or may not be used: nothing is done."""
        self.doing = "no table"
        with self.function({**self.settings(), "TABLE_NAME": "deckhand-nowhere"}) as function:
            for text in ("/deploy-client wait:true", "/deploy-client"):
                self.nothing_done(function, text, NO_TABLE, "`deckhand-nowhere`", "does not exist")
            self.alive(function, self.wire.to(function))
        self.doing = "table forbidden"
        with self.function() as function:
            self.between.fault("PutItem", error="AccessDeniedException")
            self.nothing_done(function, "/deploy-client", NO_TABLE, TABLE, "may not be used by our role")
            self.dispatches(function)

    def out_of_reach(self) -> None:
        """AWS cannot be reached, or does not answer: nothing is done, and all is well as soon as it is back."""
        for state, turn in (("down", self.between.down), ("silent", self.between.hush)):
            self.doing = f"AWS {state}"
            with self.function() as function:
                turn()
                for text in ("/deploy-client wait:true", "/deploy-client"):
                    self.nothing_done(function, text, NO_TABLE)
                self.between.up()
                self.dispatches(function)
                # Now with connections and a secret that there were.
                turn()
                self.nothing_done(function, "/deploy-client wait:true", NO_TABLE)
                self.alive(function, self.wire.to(function))
                self.between.up()
                self.dispatches(function)
            lines = self.lines_of(self.id, "ERROR")
            self.expect(not lines, "no error is left in the log once it is back", *lines)

    def troubled(self) -> None:
        """Throttled, failing or lost once: it is asked again, and what was taken counts as taken by us."""
        faults: list[dict[str, Any]] = [
            {"error": "ProvisionedThroughputExceededException"},
            {"error": "ThrottlingException", "times": 2},
            {"error": "InternalServerError", "times": 2},
            {"lost": True},
            {"lost": True, "times": 2},
            {"late": 0.8},
            # The first answer is given up, though the table took the write: the second try finds our own.
            {"late": 1.3},
        ]
        with self.function() as function:
            for operation in ("PutItem", "UpdateItem"):
                for what in faults:
                    self.doing = f"troubled by {operation} {what}"
                    self.between.fault(operation, **what)
                    self.dispatches(function)
                    left = self.between.heal()
                    self.expect(not left, "the fault was met", *left)
            self.doing = "troubled"
            self.between.fault("PutItem", lost=True)
            self.between.fault("UpdateItem", lost=True, times=2)
            self.succeeds(function)

    def too_late(self) -> None:
        """The table takes the command, and says so too late: nothing is dispatched."""
        self.doing = "too late"
        with self.function() as function:
            for text in ("/deploy-client wait:true", "/deploy-client"):
                self.between.fault("PutItem", late=4, times=9)
                self.nothing_done(function, text, NO_TABLE)
                self.between.heal()
                with self.dispatched(0):
                    self.refused(self.wire.again(self.id))
                    self.expect(function.wait_idle(5), "the replay did not end")
            self.dispatches(function)

    def end_unknown(self) -> None:
        """What happens to the record after the dispatch does not keep the outcome from being told."""
        self.doing = "end unknown"
        with self.function() as function:
            for what in ({"late": 4.0}, {"error": "InternalServerError"}, {"error": "ResourceNotFoundException"}):
                self.between.fault("UpdateItem", times=9, **what)
                self.dispatches(function, recorded=False)
                self.between.heal()
            self.between.fault("UpdateItem", late=4.0, times=9)
            with self.dispatched(1):
                self.types(function, "/deploy-client wait:true")
            self.outcome(self.id, "🟢 **Client deploy** succeeded")
            self.between.heal()

    def thawed(self) -> None:
        """Connections died while the process was frozen: the next command neither notices nor is done twice."""
        self.doing = "thawed"
        with self.function() as function:
            self.dispatches(function)
            for how in (self.between.cut, self.between.forget) * 3:
                how()
                time.sleep(0.2)
                self.dispatches(function)
                self.expect(function.last()["cold"] is False, "it was no warm start", function.last())
            self.between.forget()
            time.sleep(LONG_FREEZE)
            self.succeeds(function)

    def allowed(self) -> None:
        """All that was asked of AWS, the template's role allows; and it was signed with the role's credentials."""
        self.doing = "allowed"
        [policy] = self.stack.value(self.stack.properties("FunctionRole")["Policies"])
        allowed = [
            (action, resource)
            for statement in policy["PolicyDocument"]["Statement"]
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
            for resource in [statement["Resource"]]
        ]
        region, account = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]
        needed = set()
        for asked in self.between.asked():
            if asked.service == "AmazonSSM":
                name = asked.body["Name"]
                needed.add((f"ssm:{asked.operation}", f"arn:aws:ssm:{region}:{account}:parameter{name}"))
            elif asked.body["TableName"] == TABLE:
                needed.add((f"dynamodb:{asked.operation}", f"arn:aws:dynamodb:{region}:{account}:table/{TABLE}"))
            signed = next(value for name, value in asked.headers.items() if name.lower() == "authorization")
            self.expect(CREDENTIALS["AWS_ACCESS_KEY_ID"] in signed and f"/{region}/" in signed, "who signed", signed)
            sent = CREDENTIALS["AWS_SESSION_TOKEN"] in asked.headers.values()
            self.expect(sent, "the session's token goes along", asked.operation)
        self.expect(len(needed) >= 3, "what was asked", *needed)
        for action, resource in sorted(needed):
            matches = any(action == one and fnmatch.fnmatchcase(resource, other) for one, other in allowed)
            self.expect(matches, f"the role must allow {action} on {resource}", *allowed)

    def remembered(self) -> None:
        """What is in the table after all this: everything is forgotten some day, and no secret is in it."""
        self.doing = "remembered"
        items, now = self.items(), time.time()
        self.expect(len(items) > RACES, "there are records", len(items))
        expiry = self.stack.properties("Table")["TimeToLiveSpecification"]["AttributeName"]
        for item in items:
            self.expect(float(item.get(expiry, 0)) > now, f"{expiry} in the future", item)
        text = json.dumps(items)
        for name, value in self.secrets().items():
            self.expect(len(value) > 8 and value not in text, f"the value of {name} is in the table")


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--aws", required=True)
    given = parser.parse_args()
    emulator = the_emulator(given.emulator)
    if emulator is None:
        return 2
    template = json.loads(given.template.read_text())
    with the_standins(given.standins, given.deckhand) as (standins, folder):
        check = Check(given.deckhand.resolve(), standins, emulator, folder, template, given.aws)
        check.make_table()
        check.put_token()
        check.put_secret(check.bot_token, standins.about["bot_token"])
        steps = [
            check.deploy,
            check.no_need,
            check.races,
            check.killed,
            check.writes_once,
            check.doctor,
            check.secret_missing,
            check.secret_in_the_open,
            check.secret_changed,
            check.secret_out_of_reach,
            check.no_table,
            check.out_of_reach,
            check.troubled,
            check.too_late,
            check.end_unknown,
            check.thawed,
            check.allowed,
            check.remembered,
            check.log,
        ]
        status = check.run(steps, "on the stand-ins of AWS's services, with the freeze on")
        check.between.close()
        return status


if __name__ == "__main__":
    sys.exit(main())
