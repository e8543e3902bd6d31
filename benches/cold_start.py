#!/usr/bin/env python3
"""Measures the release binary beside the smallest Lambda function in Rust, and prints a table.

    cargo build --release --locked && cargo build --release --locked -p hello && cargo build --locked -p standins
    python3 benches/cold_start.py --aws URL

At URL a stand-in of AWS listens: .ci/aws_standin.py, with .ci/requirements-checks.txt. It remembers the deploys.
--deckhand BINARY measures another one, like the package's bootstrap; --before BINARY one more beside it.

Both run in a Lambda emulator (tools/lambda_emulator.py) that freezes them between two invocations, one after the
other and in turns, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / ".ci"), str(ROOT / "tools")]
from lambda_emulator import Emulator  # noqa: E402

from standins import StandIns  # noqa: E402

DISCORD_EPOCH_MS = 1_420_070_400_000
GUILD_ID = "1300000000000000001"
# How much work a process gets after its cold start.
WARM_CALLS = 15


def interaction(kind: int, name: str | None = None) -> str:
    """What Discord sends: a ping, or a command typed just now. About as long as the real one."""
    snowflake = str((int(time.time() * 1000) - DISCORD_EPOCH_MS) << 22)
    body: dict[str, Any] = {
        "application_id": "1190000000000000001",
        "authorizing_integration_owners": {"0": GUILD_ID},
        "entitlements": [],
        "id": snowflake,
        "token": "t" * 180,
        "type": kind,
        "version": 1,
    }
    user = {"id": "1300000000000000002", "username": "ada", "global_name": "Ada", "discriminator": "0", "bot": False}
    if name is None:
        body["user"] = user
    else:
        body |= {
            "app_permissions": "562949953421311",
            "channel": {"id": "1300000000000000003", "type": 0, "name": "deploys", "guild_id": GUILD_ID},
            "channel_id": "1300000000000000003",
            "context": 0,
            "data": {"id": "1300000000000000004", "name": name, "type": 1},
            "guild_id": GUILD_ID,
            "locale": "en-US",
            "member": {"user": user, "roles": [], "permissions": "0", "joined_at": "2026-01-01T00:00:00Z"},
        }
    return json.dumps(body)


class Bench:
    def __init__(self, standins: StandIns, with_before: bool = False) -> None:
        self.standins, self.with_before = standins, with_before
        self.values: dict[tuple[str, str], list[float]] = defaultdict(list)

    def environment(self) -> dict[str, str]:
        """The settings of a bot that talks to these stand-ins."""
        about = self.standins.about
        return {
            "DISCORD_PUBLIC_KEY": about["public_key"],
            "DISCORD_APPLICATION_ID": about["application_id"],
            "DISCORD_API_BASE": about["discord"],
            "GITHUB_API_BASE": about["github"],
            "GITHUB_TOKEN": about["github_token"],
            "GITHUB_REPO": "octo-org/web-client",
            # The server of the interactions above, and the stand-in's own.
            "ALLOWED_GUILD_IDS": f"{GUILD_ID},{about['guild_id']}",
            "POLL_INTERVAL_SECONDS": "0.5",
        }

    def note(self, what: str, who: str, value: float) -> None:
        self.values[what, who].append(value)

    def process(self, who: str, binary: Path) -> None:
        """One process from its start on."""
        with Emulator(str(binary), env=self.environment(), max_concurrency=1, log=os.devnull) as function:

            def call(body: str) -> dict[str, Any]:
                answer = function.http("POST", "/discord", body.encode(), self.standins.signed(body))
                if answer.status != 200:
                    raise RuntimeError(f"{who} answered {answer.status}: {answer.body!r}")
                function.wait_idle(10)
                return function.last()

            first = call(interaction(1))
            # The first invocation waits for all of the initialisation.
            self.note("init", who, first["init_all_ms"])
            self.note("cold", who, first["init_all_ms"] + first["response_ms"])
            self.note("ping", who, median(call(interaction(1))["response_ms"] for _ in range(WARM_CALLS)))
            agents = interaction(2, "agents")
            if who != "hello":
                self.checked(function, agents)
            self.note("agents", who, median(call(interaction(2, "agents"))["response_ms"] for _ in range(WARM_CALLS)))
            self.note("memory", who, peak_mb(function))

    def checked(self, function: Any, body: str) -> None:
        """That what is measured is the real answer."""
        answer = function.http("POST", "/discord", body.encode(), self.standins.signed(body))
        if "/deploy-client" not in answer.body.decode():
            raise RuntimeError(f"/agents is answered {answer.body!r}")

    def deploy(self, binary: Path, aws: str) -> None:
        """One process that follows a run to its end, with clients for GitHub, Discord and DynamoDB."""
        table = {"TABLE_NAME": make_table(aws), "AWS_ENDPOINT_URL": aws}
        credentials = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
        env = {**self.environment(), **table, **credentials}
        with Emulator(str(binary), env=env, max_concurrency=1, timeout=60, log=os.devnull) as function:
            typed = self.standins.types("/deploy-client wait:true", f"{function.url}/discord")
            function.wait_idle(40)
            messages = self.standins.call("GET", f"/messages?interaction_id={typed['interaction_id']}")
            if not any("succeeded" in message["content"] for message in messages):
                raise RuntimeError(f"the deploy did not succeed: {messages}")
            self.note("memory of a deploy", "deckhand", peak_mb(function))

    def row(self, what: str, words: str, unit: str, ratio: float | None = None, most: float | None = None) -> str:
        ours, floor = self.values[what, "deckhand"], self.values[what, "hello"]
        before = self.values[what, "before"]
        times = median(ours) / median(floor) if floor else None
        aim, met = "", ""
        if ratio is not None and times is not None:
            aim, met = f"at most {ratio:g} times", yes(times <= ratio)
        if most is not None:
            aim, met = f"at most {most:g} {unit}", yes(median(ours) <= most)
        cells = [words, spread(floor, unit), spread(ours, unit), f"{times:.2f}" if times else "", aim, met]
        if self.with_before:
            cells += [spread(before, unit), f"{median(ours) / median(before):.2f}" if before else ""]
        return f"| {' | '.join(cells)} |"

    def table(self) -> str:
        more = " before | ratio to it |" if self.with_before else ""
        return "\n".join(
            [
                "| | hello world | Deckhand | ratio | aim | met |" + more,
                "| --- | --- | --- | --- | --- | --- |" + " --- |" * more.count("|"),
                self.row("init", "Start of the process to its first poll", "ms"),
                self.row("cold", "Cold start to the answer of the first signed PING", "ms", ratio=1.5),
                self.row("ping", "Warm signed PING", "ms", ratio=1.5),
                self.row("agents", "Warm `/agents`", "ms"),
                self.row("memory", "Peak memory after 30 commands", "MB", most=12),
                self.row("memory of a deploy", "Peak memory after a deploy followed to its end", "MB", most=12),
                self.row("size", "Size of the stripped binary", "MB"),
            ]
        )


def make_table(aws: str) -> str:
    """A table as in template.yaml. Nobody checks a signature there."""
    name = f"bench-{time.time_ns()}"
    types = {"pk": "S", "sk": "S", "due_pk": "S", "due_at": "N"}

    def keys(partition: str, sort: str) -> list[dict[str, str]]:
        kinds = {partition: "HASH", sort: "RANGE"}
        return [{"AttributeName": key, "KeyType": kind} for key, kind in kinds.items()]

    due = {"IndexName": "due", "KeySchema": keys("due_pk", "due_at"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
    table = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
        "KeySchema": keys("pk", "sk"),
        "GlobalSecondaryIndexes": [due],
        "BillingMode": "PAY_PER_REQUEST",
    }
    scope = "Credential=bench/20260101/us-east-1/dynamodb/aws4_request"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 {scope}",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.CreateTable",
    }
    urllib.request.urlopen(urllib.request.Request(aws, json.dumps(table).encode(), headers)).close()
    return name


def peak_mb(function: Any) -> float:
    pid = function.report()["environments"][0]["pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"process {pid} is gone")
    return int(found[1]) / 1024


def spread(values: list[float], unit: str) -> str:
    if not values:
        return ""
    if len(values) < 4:
        return f"{median(values):.2f} {unit}"
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.2f} {unit} ({low:.2f} to {high:.2f})"


def yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--aws", required=True, help="where a stand-in of AWS listens")
    parser.add_argument("--target", type=Path, default=ROOT / "target", help="cargo's target folder")
    parser.add_argument("--deckhand", type=Path, help="default: the release binary in cargo's target folder")
    parser.add_argument("--before", type=Path, help="an earlier binary to compare with")
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--deploys", type=int, default=3)
    asked = parser.parse_args()
    given = {"hello": None, "before": asked.before, "deckhand": asked.deckhand}
    binaries = {
        who: (binary or asked.target / "release" / who).resolve()
        for who, binary in given.items()
        if binary or who != "before"
    }
    load = os.getloadavg()[0]
    with StandIns(asked.target / "debug" / "standins") as standins:
        registration = subprocess.run([binaries["deckhand"], "commands"], capture_output=True, check=True)
        standins.call("PUT", "/commands", json.loads(registration.stdout))
        bench = Bench(standins, with_before=asked.before is not None)
        for who, binary in binaries.items():
            bench.note("size", who, binary.stat().st_size / 1e6)
            # Not counted: it reads the binary from the disk.
            Bench(standins).process(who, binary)
        for pair in range(asked.pairs):
            turn = list(binaries.items())
            for who, binary in turn if pair % 2 else reversed(turn):
                bench.process(who, binary)
        for _ in range(asked.deploys):
            bench.deploy(binaries["deckhand"], asked.aws)
    print(bench.table())
    print(
        f"\nMedians of {asked.pairs} processes each (in brackets the middle half), of {asked.deploys} for the deploy."
    )
    print(f"Load of the machine when it began: {load:.2f}, on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
