"""The release binary as the Lambda function that it is, and what the checks of it share.

AWS stops the process as soon as it asks for the next invocation. A bot that answers at once and goes on working looks
well everywhere but there, so everything goes through an emulator that sends SIGSTOP at that moment. The environment,
the table and the role are those of the template; behind the stand-ins of GitHub, Discord and AWS there is nobody.
"""

from __future__ import annotations

import argparse
import fnmatch
import http.client
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
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
TAKEN = "was taken already"


class Said(NamedTuple):
    """An answer of the function's."""

    status: int
    data: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.data)

    @property
    def content(self) -> str:
        """The text of a message that is the answer itself."""
        return str(self.body.get("data", {}).get("content", ""))


class Wire:
    """Stands between Discord and the function: learns the interactions' tokens, and can deliver one again."""

    def __init__(self) -> None:
        self.function: Any = None
        self.tokens: set[str] = set()
        # How often each interaction is delivered, at the same moment.
        self.copies = 1
        self.last: list[Said] = []
        self.delivered: dict[str, tuple[bytes, dict[str, str]]] = {}
        wire = self

        class Pass(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                payload = json.loads(body)
                wire.tokens.add(payload["token"])
                wire.delivered[str(payload["id"])] = (body, dict(self.headers))
                with ThreadPoolExecutor(wire.copies) as pool:
                    wire.last = [*pool.map(wire.again, [str(payload["id"])] * wire.copies)]
                # The one that was not refused, if any was.
                said = next((said for said in wire.last if TAKEN.encode() not in said.data), wire.last[0])
                self.send_response(said.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said.data)))
                self.end_headers()
                self.wfile.write(said.data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/discord"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def again(self, interaction_id: str) -> Said:
        """Delivers an interaction once more, the same bytes."""
        body, headers = self.delivered[interaction_id]
        with closing(http.client.HTTPConnection("127.0.0.1", self.function.port, timeout=60)) as onward:
            onward.request("POST", "/discord", body=body, headers=headers)
            answer = onward.getresponse()
            return Said(answer.status, answer.read())


class FunctionCheck:
    """One bot, one set of stand-ins, and what was found wrong."""

    def __init__(self, given: argparse.Namespace, standins: StandIns, folder: Path) -> None:
        self.given, self.standins, self.folder = given, standins, folder
        self.wire = Wire()
        self.between = Interference(given.aws)
        self.doing = ""
        self.expected = 0
        self.failures: list[str] = []
        self.lines: list[str] = []
        self.template = json.loads(given.template.read_text())
        self.stack = self.deployed()
        client = {
            "region_name": REGION,
            "endpoint_url": given.aws,
            "aws_access_key_id": "check",
            "aws_secret_access_key": "check",
            "config": Config(retries={"total_max_attempts": 1}),
        }
        self.dynamodb, self.ssm = boto3.client("dynamodb", **client), boto3.client("ssm", **client)
        # As CloudFormation would, of the template's own table.
        table = self.stack.value(self.stack.properties("Table"))
        made = {name: table[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")}
        self.dynamodb.create_table(TableName=TABLE, **made)
        self.token = self.settings()["GITHUB_TOKEN_PARAMETER"]
        self.put_secret(self.token, standins.about["github_token"])
        self.put_secret(self.settings()["DISCORD_BOT_TOKEN_PARAMETER"], standins.about["bot_token"])

    def deployed(self, **more: str) -> Template:
        """The template with the parameters that its users give, and `more` of them."""
        about = self.standins.about
        parameters = {
            "DiscordPublicKey": about["public_key"],
            "DiscordApplicationId": about["application_id"],
            "GithubRepo": "octo-org/web-client",
            # The finest level, where a secret would show.
            "LogLevel": "trace",
        }
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/deckhand:*"
        exist = {"Table": TABLE, "Table.Arn": TABLE_ARN, "FunctionLogs.Arn": logs}
        return Template(self.template, {**parameters, **more}, exist)

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

    def put_secret(self, name: str, value: str, kind: str = "SecureString") -> None:
        self.ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

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
            self.wire.function = function
            yield function
            self.expect(function.wait_idle(10), "an invocation did not end")
            report = function.report()
        wrong = [invocation for invocation in report["invocations"] if invocation["outcome"] != "ok"]
        told = [invocation for invocation in wrong if invocation["outcome"] == "error"]
        as_told = len(told) == errors and len(wrong) == errors + killed
        self.expect(as_told, f"{errors} invocations end in an error, {killed} are killed, all others end well", *wrong)
        started = report["environments"]
        self.expect(len(started) == environments, f"there must be {environments} processes", *started)
        lines = (line.partition(" runtime] ")[2] for line in log.read_text().splitlines())
        # At SIGTERM the runtime prints words of its own, past any logger.
        self.lines += [line for line in lines if line and not line.startswith("[runtime] ")]

    # ---- what happens

    def types(self, function: Any, text: str, *, within: int = ANSWERED_MS) -> Said:
        """A command is typed and worked off; its answer came in time and was one that Discord takes."""
        self.typed = self.standins.types(text, self.wire.endpoint)
        self.id = str(self.typed["interaction_id"])
        self.expect(not self.typed["wrong"], f"an answer to {text}", self.typed)
        self.expect(self.typed["elapsed_ms"] < within, f"an answer to {text} within {within} ms", self.typed)
        self.expect(function.wait_idle(40), f"{text} did not end")
        return Said(self.typed["status"], json.dumps(self.typed["body"]).encode())

    @contextmanager
    def dispatched(self, times: int) -> Iterator[None]:
        """In here so many workflows are dispatched, and no more."""
        before = len(self.standins.call("GET", "/github/dispatches"))
        yield
        dispatches = self.standins.call("GET", "/github/dispatches")[before:]
        self.expect(len(dispatches) == times, f"{times} dispatches", *dispatches)

    def outcome(self, words: str) -> None:
        """What was typed last ended so, in its message and in one follow-up that pings whoever typed it."""
        messages = self.standins.call("GET", f"/messages?interaction_id={self.id}")
        [original, *more] = sorted(messages, key=lambda message: message["follow_up"])
        well = words in original["content"] and not original["loading"] and not original["follow_up"]
        self.expect(well, f"the original message must say: {words}", *messages)
        told = [message for message in more if words in message["content"] and len(message["pings"]) == 1]
        self.expect(len(told) == len(more) == 1, f"one follow-up must tell the requester: {words}", *messages)

    def shown(self) -> str:
        """The original message of the interaction that was typed last."""
        messages = self.standins.call("GET", f"/messages?interaction_id={self.id}")
        return "\n".join(message["content"] for message in messages if not message["follow_up"])

    def alive(self, function: Any) -> None:
        said = self.types(function, "/agents")
        self.expect(said.body["type"] == 4 and "/deploy-client" in said.content, "/agents lists /deploy-client", said)
        self.expect(function.last()["cold"] is False, "/agents was no warm start", function.last())

    def logged(self, interaction_id: str) -> list[dict[str, Any]]:
        """The lines about an interaction, each with the fields of its span, where a query finds them too."""
        lines = [json.loads(line) for line in self.lines if line.startswith("{")]
        lines = [{**line.get("span", {}), **line} for line in lines]
        return [line for line in lines if str(line.get("interaction_id")) == interaction_id]

    # ---- what is left of all this

    def allowed(self) -> None:
        """All that was asked of AWS, the template's role allows; and it was signed with the role's credentials."""
        self.doing = "allowed"
        [policy] = self.stack.value(self.stack.properties("FunctionRole")["Policies"])
        allowed = [
            (action, statement["Resource"])
            for statement in policy["PolicyDocument"]["Statement"]
            for action in some(statement["Action"])
        ]
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
        self.doing = "remembered"
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
        self.expect(bool(items), "nothing is in the table")
        expiry = self.stack.properties("Table")["TimeToLiveSpecification"]["AttributeName"]
        for item in items:
            self.expect(float(item.get(expiry, {}).get("N", 0)) > time.time(), f"{expiry} in the future", item)
        self.hides_secrets("the table", json.dumps(items))

    def log(self) -> None:
        """The log is JSON, without a panic and without a secret."""
        self.doing = "log"
        self.expect(bool(self.lines), "nothing was logged")
        for line in self.lines:
            self.expect(line.startswith("{") and line.endswith("}"), "a line that is no JSON object", line)
            self.expect("panic" not in line, "a panic", line)
        self.hides_secrets("the log", "\n".join(self.lines))

    def hides_secrets(self, where: str, text: str) -> None:
        about = self.standins.about
        hidden = [about["github_token"], about["bot_token"], *[*CREDENTIALS.values()][1:], *self.wire.tokens]
        self.expect(len(self.wire.tokens) > 3, "no interaction's token was seen on its way")
        for value in hidden:
            self.expect(len(value) > 8 and value not in text, f"{value} is in {where}")

    def scenarios(self) -> list[Callable[[], None]]:
        raise NotImplementedError

    def run(self) -> int:
        """All scenarios, then what is left of them, and the exit status that this comes to."""
        for scenario in [*self.scenarios(), self.allowed, self.remembered, self.log]:
            started = time.monotonic()
            self.doing = scenario.__name__
            try:
                scenario()
            except Exception:
                # A broken one must not hide what the others find.
                self.failures.append(f"{self.doing}: stopped by\n{traceback.format_exc()}")
            print(f"  {time.monotonic() - started:5.1f} s  {scenario.__name__}: {scenario.__doc__}", flush=True)
        for failure in self.failures:
            print(f"WRONG  {failure}", file=sys.stderr)
        print(f"{self.expected - len(self.failures)} of {self.expected} expectations held")
        return 1 if self.failures else 0


def main(check: type[FunctionCheck]) -> int:
    """Runs a check as a program. The stand-ins know the bot's commands."""
    parser = argparse.ArgumentParser(description=check.__doc__)
    for name in ("--deckhand", "--standins", "--template"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--aws", required=True, help="where a stand-in of AWS listens")
    given = parser.parse_args()
    given.deckhand = given.deckhand.resolve()
    with tempfile.TemporaryDirectory() as folder, StandIns(given.standins) as standins:
        commands = subprocess.run([given.deckhand, "commands"], env={}, capture_output=True, check=True)
        standins.call("PUT", "/commands", json.loads(commands.stdout))
        return check(given, standins, Path(folder)).run()
