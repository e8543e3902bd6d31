"""The release binary as the Lambda function that it is, and what the checks of it share.

AWS stops the process as soon as it asks for the next invocation. A bot that answers at once and goes on working looks
well everywhere but there, so everything goes through an emulator that sends SIGSTOP at that moment. The environment,
the table and the role are those of the template; behind the stand-ins of GitHub, Discord and AWS there is nobody.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import secrets
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from cloudformation import ACCOUNT, REGION, Template, some
from interference import Interference

from standins import StandIns

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools"))
from lambda_emulator import Emulator  # noqa: E402

# From the command to the type-5 answer, cold start included. Discord allows 3 s; this machine may be busy.
AT_ONCE_MS = 1000
ANSWERED_MS = 3000
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDSTANDIN",
    "AWS_SECRET_ACCESS_KEY": f"planted-{secrets.token_hex(12)}",
    "AWS_SESSION_TOKEN": f"planted-{secrets.token_hex(12)}",
}
TABLE = f"deckhand-Table-{secrets.token_hex(6).upper()}"
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"


def content(answer: Any) -> str:
    """The text of a message that is the answer itself."""
    return str(answer.get("data", {}).get("content", ""))


class FunctionCheck:
    """One bot, one set of stand-ins, and what was found wrong."""

    def __init__(self, given: argparse.Namespace, standins: StandIns, folder: Path) -> None:
        self.given, self.standins, self.folder = given, standins, folder
        # Those of the interactions.
        self.tokens: set[str] = set()
        self.between = Interference(given.aws)
        self.doing = ""
        self.expected = 0
        self.failures: list[str] = []
        self.lines: list[str] = []
        self.template = json.loads(given.template.read_text())
        self.stack = self.deployed()
        session = boto3.Session("check", "check", region_name=REGION)
        self.dynamodb, ssm = (session.client(name, endpoint_url=given.aws) for name in ("dynamodb", "ssm"))
        # As CloudFormation would, of the template's own table.
        table = self.stack.value(self.stack.properties("Table"))
        made = {name: table[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")}
        self.dynamodb.create_table(TableName=TABLE, **made)
        for setting, secret in (
            ("GITHUB_TOKEN_PARAMETER", "github_token"),
            ("DISCORD_BOT_TOKEN_PARAMETER", "bot_token"),
        ):
            ssm.put_parameter(Name=self.settings()[setting], Value=standins.about[secret], Type="SecureString")

    def deployed(self, **more: str) -> Template:
        """The template with the parameters that its users give, and `more` of them."""
        about = self.standins.about
        more |= {"DiscordPublicKey": about["public_key"], "DiscordApplicationId": about["application_id"]}
        # The finest level, where a secret would show.
        more |= {"GithubRepo": "octo-org/web-client", "LogLevel": "trace"}
        more |= {"AllowedGuildIds": about["guild_id"]}
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/deckhand:*"
        exist = {"Table": TABLE, "Table.Arn": TABLE_ARN, "FunctionLogs.Arn": logs}
        return Template(self.template, more, exist)

    def settings(self, **more: str) -> dict[str, str]:
        """The function's environment, if the stack is deployed with these parameters too."""
        stack = self.deployed(**more)
        given = stack.value(stack.properties("DeckhandFunction")["Environment"]["Variables"])
        elsewhere = {
            "DISCORD_API_BASE": self.standins.about["discord"],
            "GITHUB_API_BASE": self.standins.about["github"],
            "AWS_ENDPOINT_URL": self.between.url,
            "POLL_INTERVAL_SECONDS": "0.5",
        }
        return {**{name: str(value) for name, value in given.items()}, **CREDENTIALS, **elsewhere}

    def expect(self, holds: bool, what: str, *seen: object) -> None:
        self.expected += 1
        if not holds:
            detail = "".join(f"\n      {item}" for item in seen)
            self.failures.append(f"{self.doing}: {what}{detail}")

    @contextmanager
    def function(
        self, env: dict[str, str] | None = None, *, environments: int = 1, errors: int = 0, killed: int = 0, **how: Any
    ) -> Iterator[Any]:
        """The bot as a function; its log is kept. So many processes are started, so many invocations are to end
        in an error that it tells Lambda, and so many in the death of the process; no other may."""
        log = self.folder / f"{len(self.lines)}.log"
        own = self.stack.properties("DeckhandFunction")
        timeout, memory = (float(self.stack.value(own[name])) for name in ("Timeout", "MemorySize"))
        how = {"timeout": timeout, "memory": memory, "max_concurrency": 1, **how}
        with Emulator(str(self.given.deckhand), env=env or self.settings(), log=str(log), **how) as function:
            yield function
            self.expect(function.wait_idle(10), "an invocation did not end")
            report = function.report()
        wrong = [invocation for invocation in report["invocations"] if invocation["outcome"] != "ok"]
        told = [invocation["outcome"] for invocation in wrong].count("error")
        as_told = (told, len(wrong)) == (errors, errors + killed)
        self.expect(as_told, f"{errors} invocations end in an error, {killed} are killed, all others end well", *wrong)
        started = report["environments"]
        self.expect(len(started) == environments, f"there must be {environments} processes", *started)
        lines = (line.partition(" runtime] ")[2] for line in log.read_text().splitlines())
        self.lines += [line for line in lines if line]

    # ---- what happens

    def sends(self, function: Any, text: str, **more: Any) -> None:
        """A command is typed, and answered."""
        self.typed = self.standins.types(text, f"{function.url}/discord", **more)
        self.id = self.typed["interaction_id"]
        self.tokens.add(self.typed["token"])

    def types(self, function: Any, text: str, *, within: int = ANSWERED_MS, **more: Any) -> Any:
        """A command is typed and worked off; its answer came in time and was one that Discord takes."""
        self.sends(function, text, **more)
        self.expect(not self.typed["wrong"], f"an answer to {text}", self.typed)
        self.expect(self.typed["elapsed_ms"] < within, f"an answer to {text} within {within} ms", self.typed)
        self.expect(function.wait_idle(40), f"{text} did not end")
        return self.typed["body"]

    def pings(self, function: Any, within: int = ANSWERED_MS) -> None:
        """Discord checks the endpoint, as when its URL is saved."""
        pong = self.standins.call("POST", "/ping", {"endpoint": f"{function.url}/discord"})
        well = pong["body"] == {"type": 1} and pong["elapsed_ms"] < within
        self.expect(well and not pong["wrong"], f"PING is answered within {within} ms", pong)

    @contextmanager
    def dispatched(self, times: int) -> Iterator[None]:
        """In here so many workflows are dispatched, and no more."""
        before = len(self.standins.call("GET", "/github/dispatches"))
        yield
        dispatches = self.standins.call("GET", "/github/dispatches")[before:]
        self.expect(len(dispatches) == times, f"{times} dispatches", *dispatches)

    def shown(self) -> list[dict[str, Any]]:
        """The messages of the interaction that was typed last, the original first."""
        messages = self.standins.call("GET", f"/messages?interaction_id={self.id}")
        return sorted(messages, key=lambda message: message["follow_up"])

    def outcome(self, words: str) -> None:
        """What was typed last ended so, in its message and in one follow-up that pings whoever typed it."""
        messages = self.shown()
        told = [words in message["content"] and not message["loading"] for message in messages] == [True, True]
        as_it_should = [(message["follow_up"], len(message["pings"])) for message in messages[1:]] == [(True, 1)]
        self.expect(told and as_it_should, f"the message and a follow-up that pings must say: {words}", *messages)

    def alive(self, function: Any) -> None:
        said = self.types(function, "/agents")
        self.expect(said["type"] == 4 and "/deploy-client" in content(said), "/agents lists /deploy-client", said)
        self.expect(function.last()["cold"] is False, "/agents was no warm start", function.last())

    # ---- what is left of all this

    def allowed(self) -> None:
        """All that was asked of AWS, the template's role allows; and it was signed with the role's credentials."""
        [policy] = self.stack.value(self.stack.properties("FunctionRole")["Policies"])
        statements = policy["PolicyDocument"]["Statement"]
        allowed = [(one, on) for of in statements for one in some(of["Action"]) for on in some(of["Resource"])]
        needed = set()
        for asked in self.between.asked:
            if asked.service == "AmazonSSM":
                name = asked.body["Name"]
                needed.add((f"ssm:{asked.operation}", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"))
            elif asked.body["TableName"] == TABLE:
                needed.add((f"dynamodb:{asked.operation}", TABLE_ARN))
            signed = asked.headers["authorization"]
            ours = CREDENTIALS["AWS_ACCESS_KEY_ID"] in signed and f"/{REGION}/" in signed
            with_session = asked.headers["x-amz-security-token"] == CREDENTIALS["AWS_SESSION_TOKEN"]
            self.expect(ours and with_session, "who signed", asked.operation, signed)
        self.expect(len(needed) >= 3, "what was asked", *needed)
        for action, resource in sorted(needed):
            matches = any(action == one and fnmatch.fnmatchcase(resource, other) for one, other in allowed)
            self.expect(matches, f"the role must allow {action} on {resource}", *allowed)

    def remembered(self) -> None:
        """All that is in the table is forgotten some day, and no secret is in it."""
        items = self.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        expiry = self.stack.properties("Table")["TimeToLiveSpecification"]["AttributeName"]
        kept = [item for item in items if float(item.get(expiry, {}).get("N", 0)) <= time.time()]
        self.expect(bool(items) and not kept, f"every item has its {expiry} in the future", *kept)
        self.hides_secrets("the table", json.dumps(items))

    def log(self) -> None:
        """The log is JSON, without a panic and without a secret."""
        wrong = [line for line in self.lines if line[0] + line[-1] != "{}" or "panic" in line]
        self.expect(len(self.lines) > 9 and not wrong, "lines of JSON without a panic", *wrong)
        self.hides_secrets("the log", "\n".join(self.lines))

    def hides_secrets(self, where: str, text: str) -> None:
        secrets = {self.standins.about[name] for name in ("github_token", "bot_token")}
        secrets |= self.tokens | {*CREDENTIALS.values()} - {CREDENTIALS["AWS_ACCESS_KEY_ID"]}
        found = [secret for secret in secrets if secret in text]
        self.expect(len(secrets) > 7 and not found, f"no secret is in {where}", *found)

    def run(self, scenarios: Iterable[Callable[[Any], None]]) -> int:
        """All scenarios, then what is left of them, and the exit status that this comes to."""
        for scenario in [*scenarios, FunctionCheck.allowed, FunctionCheck.remembered, FunctionCheck.log]:
            started = time.monotonic()
            self.doing = scenario.__name__
            try:
                scenario(self)
            except Exception:
                # A broken one must not hide what the others find.
                self.failures.append(f"{self.doing}: stopped by\n{traceback.format_exc()}")
            print(f"  {time.monotonic() - started:5.1f} s  {scenario.__name__}: {scenario.__doc__}", flush=True)
        for failure in self.failures:
            print(f"WRONG  {failure}", file=sys.stderr)
        print(f"{self.expected - len(self.failures)} of {self.expected} expectations held")
        return 1 if self.failures else 0


def main(check: type[FunctionCheck], *scenarios: Callable[[Any], None]) -> int:
    """Runs a check's scenarios as a program. The stand-ins know the bot's commands."""
    parser = argparse.ArgumentParser(description=check.__doc__)
    for name in ("--deckhand", "--standins", "--template"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--aws", required=True, help="where a stand-in of AWS listens")
    given = parser.parse_args()
    given.deckhand = given.deckhand.resolve()
    with tempfile.TemporaryDirectory() as folder, StandIns(given.standins) as standins:
        commands = subprocess.run([given.deckhand, "commands"], env={}, capture_output=True, check=True)
        standins.call("PUT", "/commands", json.loads(commands.stdout))
        return check(given, standins, Path(folder)).run(scenarios)
