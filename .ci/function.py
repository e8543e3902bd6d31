"""The release binary as the Lambda function that it is, and what the checks of it share.

AWS stops the process as soon as it asks for the next invocation. A bot that answers at once and goes on working looks
well everywhere but there, so everything goes through an emulator that sends SIGSTOP at that moment. The environment,
the table and the role are those of the template; behind the stand-ins of GitHub, Discord and AWS there is nobody.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
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
REPOSITORY = "octo-org/web-client"
# For how long an interaction's token is of use.
TOKEN_LIVES = 15 * 60
DISCORD_EPOCH = 1_420_070_400
TABLE = f"deckhand-Table-{secrets.token_hex(6).upper()}"
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"


def content(answer: Any) -> str:
    """The text of a message that is the answer itself."""
    return str(answer.get("data", {}).get("content", ""))


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """An item of the table, as JSON has it."""
    return TypeDeserializer().deserialize({"M": item})


@contextmanager
def aws_ahead(minutes: float) -> Iterator[None]:
    """The clock of the function is so far behind AWS's, as after a long freeze."""
    emulator = sys.modules[Emulator.__module__]
    real = emulator.time
    emulator.time = SimpleNamespace(**{**vars(real), "time": lambda: real.time() + minutes * 60})
    try:
        yield
    finally:
        emulator.time = real


def make_table(dynamodb: Any, properties: dict[str, Any], name: str) -> None:
    """Makes the template's table, as CloudFormation would."""
    parts = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    dynamodb.create_table(TableName=name, **{part: properties[part] for part in parts if part in properties})


class FunctionCheck:
    """One bot, one set of stand-ins, and what was found wrong."""

    def __init__(self, given: argparse.Namespace, standins: StandIns, folder: Path) -> None:
        self.given, self.standins, self.folder = given, standins, folder
        # Those of the interactions, by their ids.
        self.tokens: dict[str, str] = {}
        # Others that were stored meanwhile.
        self.planted: set[str] = set()
        # What some stack of these checks allowed the function.
        self.allows: set[tuple[str, str]] = set()
        self.between = Interference(given.aws)
        self.doing = ""
        self.expected = 0
        self.failures: list[str] = []
        self.lines: list[str] = []
        self.template = json.loads(given.template.read_text())
        self.stack = self.deployed()
        session = boto3.Session("check", "check", region_name=REGION)
        self.dynamodb, self.ssm = (session.client(name, endpoint_url=given.aws) for name in ("dynamodb", "ssm"))
        make_table(self.dynamodb, self.stack.value(self.stack.properties("Table")), TABLE)
        for setting, secret in (
            ("GITHUB_TOKEN_PARAMETER", "github_token"),
            ("DISCORD_BOT_TOKEN_PARAMETER", "bot_token"),
        ):
            self.ssm.put_parameter(Name=self.settings()[setting], Value=standins.about[secret], Type="SecureString")

    def deployed(self, **more: str) -> Template:
        """The template with the parameters that its users give, and `more` of them."""
        about = self.standins.about
        more |= {"DiscordPublicKey": about["public_key"], "DiscordApplicationId": about["application_id"]}
        # The finest level, where a secret would show.
        more |= {"GithubRepo": REPOSITORY, "LogLevel": "trace"}
        more |= {"AllowedGuildIds": about["guild_id"]}
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/deckhand:*"
        exist = {"Table": TABLE, "Table.Arn": TABLE_ARN, "FunctionLogs.Arn": logs}
        return Template(self.template, more, exist)

    def settings(self, **more: str) -> dict[str, str]:
        """The function's environment, if the stack is deployed with these parameters too."""
        stack = self.deployed(**more)
        [policy] = stack.value(stack.properties("FunctionRole")["Policies"])
        for of in policy["PolicyDocument"]["Statement"]:
            self.allows |= {(one, on) for one in some(of["Action"]) for on in some(of["Resource"])}
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
        self,
        env: dict[str, str] | None = None,
        *,
        environments: int = 1,
        errors: int = 0,
        killed: int = 0,
        throttled: bool = False,
        **how: Any,
    ) -> Iterator[Any]:
        """The bot as a function; its log is kept. So many processes are started, so many invocations are to end
        in an error that it tells Lambda, and so many in the death of the process; no other may. If `throttled`, AWS
        may turn away what comes while as many as may are at work."""
        log = self.folder / f"{len(self.lines)}.log"
        own = self.stack.properties("DeckhandFunction")
        timeout, memory = (float(self.stack.value(own[name])) for name in ("Timeout", "MemorySize"))
        how = {"timeout": timeout, "memory": memory, "max_concurrency": 1, **how}
        with Emulator(str(self.given.deckhand), env=env or self.settings(), log=str(log), **how) as function:
            yield function
            self.expect(function.wait_idle(10), "an invocation did not end")
            report = function.report()
        well = {"ok", "throttled"} if throttled else {"ok"}
        wrong = [invocation for invocation in report["invocations"] if invocation["outcome"] not in well]
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
        self.tokens[self.id] = self.typed["token"]

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

    def sweeps(self, function: Any) -> int:
        """The sweep comes; the number of deploys that it acted for."""
        self.expect(function.wait_idle(40), "the function is at work")
        answer = function.invoke({"task": "sweep"})
        swept = answer.json() if answer.ok else {}
        self.expect(swept.keys() == {"visited", "failed"} and swept["failed"] == 0, "a sweep", answer.payload)
        return swept.get("visited", 0)

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not (held := holds()) and time.monotonic() < end:
            time.sleep(0.02)
        self.expect(held, f"in vain for 10 s: {what}")

    def on_github(self) -> dict[str, Any]:
        """The run of what was typed last, as GitHub shows it now."""
        url = f"{self.standins.about['github']}/repos/{REPOSITORY}/actions/runs/{self.record()['target']['run_id']}"
        request = urllib.request.Request(
            url, headers={"authorization": f"Bearer {self.standins.about['github_token']}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def minute_passes(self) -> None:
        """For what was typed last: whoever acted for it has no right to any more, and somebody must look at it."""
        record, past = self.record(), datetime.now(UTC) - timedelta(minutes=10)
        changes = {"look_at": {"S": past.isoformat()}, "due_at": {"N": str(int(past.timestamp() * 1000))}}
        if "lease" in record:
            changes["lease.#until"] = changes["look_at"]
        values = {f":{number}": value for number, value in enumerate(changes.values())}
        self.dynamodb.update_item(
            TableName=TABLE,
            Key={"pk": {"S": record["pk"]}, "sk": {"S": record["sk"]}},
            UpdateExpression="SET "
            + ", ".join(f"{name} = {value}" for name, value in zip(changes, values, strict=True)),
            ExpressionAttributeValues=values,
            **({"ExpressionAttributeNames": {"#until": "until"}} if "lease" in record else {}),
        )

    def cancelled(self) -> None:
        """Somebody cancels the run of what was typed last on GitHub, and it ends."""
        self.standins.call("POST", "/github/cancel", {"run_id": int(self.record()["target"]["run_id"])})
        self.until("its run ends", lambda: self.on_github()["status"] == "completed")

    # ---- what is seen

    def shown(self) -> list[dict[str, Any]]:
        """The messages of the interaction that was typed last, the original first."""
        messages = self.standins.call("GET", f"/messages?interaction_id={self.id}")
        return sorted(messages, key=lambda message: message["follow_up"])

    def told(self) -> list[dict[str, Any]]:
        """Whatever else tells of the deploy that was typed last: follow-ups, and what the bot posted."""
        [original, *others] = self.shown()
        known_by = self.record()["order"]["correlation_id"]
        posts = self.standins.call("GET", "/channel")
        return others + [
            post for post in posts if post.get("reply_to") == original["id"] or known_by in post["content"]
        ]

    def outcome(self, words: str) -> None:
        """What was typed last ended so: its message says it, and so does the one message that pings, which is the
        bot's reply to it and pings nobody but whoever typed it."""
        [original, *_], others = self.shown(), self.told()
        user = json.loads(self.typed["sent"]["body"])["member"]["user"]["id"]
        says = words in original["content"] and not original["loading"] and not original["pings"]
        replies = [(post.get("reply_to"), post["pings"], words in post["content"]) for post in others]
        well = says and replies == [(original["id"], [user], True)]
        self.expect(well, f"the message and one reply that pings must say: {words}", original, *others)

    def goes_on(self, words: str) -> None:
        """The message of what was typed last says so, and nobody was told anything."""
        [original, *_], others = self.shown(), self.told()
        says = words in original["content"] and not original["loading"] and not original["pings"]
        self.expect(says and not others, f"the message alone must say: {words}", original, *others)

    def record(self) -> dict[str, Any]:
        """What the table holds of the deploy that was typed last."""
        return self.item("agent#deploy_client", self.id.zfill(20))

    def item(self, partition: str, sort: str) -> dict[str, Any]:
        key = {"pk": {"S": partition}, "sk": {"S": sort}}
        return plain(self.dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {}))

    def recorded(self, *expected: str, held: bool = False) -> None:
        """How it stands in the table; if it ended, GitHub's conclusion, and whether that was told, by whom. `held`:
        whether somebody acts for it. It has its run, and the latest dispatches name it."""
        record = self.record()
        phase, target = record["phase"], record.get("target", {})
        seen = [phase["is"]]
        if "telling" in phase:
            told = [phase["telling"][part] for part in ("is", "by") if part in phase["telling"]]
            seen += [target["run"]["conclusion"], " by ".join(told)]
        self.expect((tuple(seen), "lease" in record) == (expected, held), f"its record: {expected}, {held=}", record)
        run = self.item(f"run#{REPOSITORY}#{target.get('run_id')}", "run")
        whose = run.get("agent"), run.get("interaction_id")
        self.expect(whose == ("deploy_client", self.id), "its run is its own", record, run)
        order = record["order"]
        window = self.item(f"window#{REPOSITORY}#{order['workflow']}", order["git_ref"])
        named = [str(dispatch["interaction_id"]) for dispatch in window.get("dispatches", [])]
        self.expect(named.count(self.id) == 1, "the latest dispatches name it once", self.id, window)

    def alive(self, function: Any) -> None:
        said = self.types(function, "/agents")
        self.expect(said["type"] == 4 and "/deploy-client" in content(said), "/agents lists /deploy-client", said)
        self.expect(function.last()["cold"] is False, "/agents was no warm start", function.last())

    # ---- what is left of all this

    def needed(self) -> set[tuple[str, str]]:
        """What was asked of AWS: actions, and on what."""
        needed = set()
        for asked in self.between.asked:
            if asked.service == "AmazonSSM":
                name = asked.body["Name"]
                needed.add((f"ssm:{asked.operation}", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"))
            elif asked.operation == "TransactWriteItems":
                # Each part needs the permission of the operation that it is.
                parts = [(f"{part}Item", of) for item in asked.body["TransactItems"] for part, of in item.items()]
                needed |= {(f"dynamodb:{part}", TABLE_ARN) for part, of in parts if of["TableName"] == TABLE}
            elif asked.body["TableName"] == TABLE:
                index = asked.body.get("IndexName")
                needed.add((f"dynamodb:{asked.operation}", f"{TABLE_ARN}/index/{index}" if index else TABLE_ARN))
        return needed

    def allowed(self) -> None:
        """All that was asked of AWS, the template's role allows; and it was signed with the role's credentials."""
        for asked in self.between.asked:
            signed = asked.headers["authorization"]
            ours = CREDENTIALS["AWS_ACCESS_KEY_ID"] in signed and f"/{REGION}/" in signed
            with_session = asked.headers["x-amz-security-token"] == CREDENTIALS["AWS_SESSION_TOKEN"]
            self.expect(ours and with_session, "who signed", asked.operation, signed)
        needed = self.needed()
        self.expect(("dynamodb:Query", f"{TABLE_ARN}/index/due") in needed, "the sweep asks the index", *needed)
        # The role names each resource in full.
        beyond = sorted(needed - self.allows)
        self.expect(not beyond, "the role must allow all that is asked", *beyond)

    def remembered(self) -> None:
        """All in the table is forgotten some day or will be looked at again, and no secret is in it but the
        interactions' own tokens, in deploys that are open or ended lately."""
        items = self.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        expiry = self.stack.properties("Table")["TimeToLiveSpecification"]["AttributeName"]
        # What is due some time, the index lists.
        settled = [item for item in items if "due_pk" not in item]
        kept = [item for item in settled if float(item.get(expiry, {}).get("N", 0)) <= time.time()]
        self.expect(bool(items) and not kept, f"every settled item has its {expiry} in the future", *kept)
        deploys = [deploy for deploy in map(plain, items) if deploy["pk"].startswith("agent#")]
        rest = [item for item in map(plain, items) if not item["pk"].startswith("agent#")]
        for deploy in deploys:
            token = deploy.get("place", {}).pop("token", None)
            of = str(int(deploy["sk"]))
            lives = time.time() < (int(of) >> 22) / 1000 + DISCORD_EPOCH + TOKEN_LIVES
            may_be = deploy["phase"]["is"] != "ended" or (lives and "due_pk" in deploy)
            self.expect(token is None or (may_be and token == self.tokens.get(of)), "whose token this is", deploy)
        self.expect(bool(deploys), "there are deploys")
        self.hides_secrets("the table", json.dumps([*deploys, *rest], default=str))

    def log(self) -> None:
        """The log is JSON, without a panic and without a secret."""
        wrong = [line for line in self.lines if line[0] + line[-1] != "{}" or "panic" in line]
        self.expect(len(self.lines) > 9 and not wrong, "lines of JSON without a panic", *wrong)
        self.hides_secrets("the log", "\n".join(self.lines))

    def hides_secrets(self, where: str, text: str) -> None:
        secrets = {self.standins.about[name] for name in ("github_token", "bot_token")}
        secrets |= {*self.tokens.values(), *self.planted, *CREDENTIALS.values()} - {CREDENTIALS["AWS_ACCESS_KEY_ID"]}
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
