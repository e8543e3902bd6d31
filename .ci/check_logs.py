#!/usr/bin/env python3
"""Asks the questions of docs/operations.md to what the packaged function really logs on Lambda.

    check_logs.py --deckhand BINARY --standins BINARY --emulator FOLDER

Runs some commands through an emulator of Lambda, collects the lines, checks the summaries and the
metrics in them, and evaluates the queries as they stand in the document.

Exit status: 0 all well, 1 something is not, 2 the check could not run.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import insights
import jsonschema
from function import arguments, logged, the_emulator, the_standins

from standins import StandIns

OPERATIONS = Path(__file__).resolve().parent.parent / "docs" / "operations.md"
# What is typed while GitHub is in which state, and how that must be told: Outcome, Conclusion.
TYPED = [
    ("success", "/agents", "answered", None),
    ("success", "/set-frontend url:https://example.com", "refused", None),
    ("success", "/deploy-client ref:elsewhere", "refused", None),
    ("success", "/deploy-client", "answered", "dispatched"),
    ("success", "/deploy-client wait:true", "answered", "success"),
    ("failure", "/deploy-client wait:true", "answered", "failure"),
    ("forbidden", "/deploy-client wait:true", "failed", "not_dispatched"),
    ("success", "/status", "answered", None),
]
# The same while Discord takes nothing: neither the answer nor the message that follows it.
UNDELIVERED = [("forbidden", "/deploy-client wait:true", "failed", "not_dispatched")]
NOWHERE = {"DISCORD_API_BASE": "http://127.0.0.1:1"}
METRICS = {
    "Interactions": ("Count", ["FunctionName", "Command", "Outcome"]),
    "TimeToAnswer": ("Milliseconds", ["FunctionName", "Command"]),
    "Deploys": ("Count", ["FunctionName", "Command", "Conclusion"]),
    "DeployDuration": ("Seconds", ["FunctionName", "Command"]),
    "GithubCalls": ("Count", ["FunctionName"]),
    "GithubRateLimitLeft": ("Count", ["FunctionName"]),
    "FollowUpFailures": ("Count", ["FunctionName"]),
}


def named(length: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": length}


# The schema of the embedded metric format, stricter: nothing is in `_aws` that it does not describe.
EMF = {
    "type": "object",
    "required": ["Timestamp", "CloudWatchMetrics"],
    "additionalProperties": False,
    "properties": {
        "Timestamp": {"type": "integer", "minimum": 10**12, "maximum": 10**13},
        "CloudWatchMetrics": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["Namespace", "Dimensions", "Metrics"],
                "additionalProperties": False,
                "properties": {
                    "Namespace": {"const": "Deckhand"},
                    "Dimensions": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "array", "minItems": 1, "maxItems": 30, "items": named(250)},
                    },
                    "Metrics": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 100,
                        "items": {
                            "type": "object",
                            "required": ["Name", "Unit"],
                            "additionalProperties": False,
                            "properties": {"Name": {"enum": [*METRICS]}, "Unit": named(40)},
                        },
                    },
                },
            },
        },
    },
}


class Check:
    def __init__(self) -> None:
        self.expected = 0
        self.failures: list[str] = []

    def expect(self, holds: bool, what: str, *seen: object) -> None:
        self.expected += 1
        if not holds:
            self.failures.append(what + "".join(f"\n      {item}" for item in seen))

    def metrics(self, line: dict[str, Any]) -> set[str]:
        """The metrics that CloudWatch takes out of a line."""
        if "_aws" not in line:
            return set()
        for error in jsonschema.Draft202012Validator(EMF).iter_errors(line["_aws"]):
            self.expect(False, f"no valid metrics: {error.json_path}: {error.message}", line)
        found = set()
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for dimension in (name for names in directive["Dimensions"] for name in names):
                value = line.get(dimension)
                self.expect(isinstance(value, str) and 0 < len(value) <= 1024, f"no dimension {dimension}", line)
            for metric in directive["Metrics"]:
                name, value = metric["Name"], line.get(metric["Name"])
                found.add(name)
                number = isinstance(value, (int, float)) and not isinstance(value, bool)
                self.expect(number, f"the metric {name} has no number", line)
                as_promised = (metric["Unit"], directive["Dimensions"][0]) == METRICS[name]
                self.expect(as_promised and len(directive["Dimensions"]) == 1, f"{name} is another metric", directive)
        return found


def happens(
    check: Check, given: argparse.Namespace, log: Path, standins: StandIns, told: list[Any], more: dict[str, str]
) -> list[dict[str, Any]]:
    """The lines that a process leaves in the log after a ping and these commands."""
    settings = {**standins.environment(), "POLL_INTERVAL_SECONDS": "0.5", **more}
    typed = []
    with given.emulator(str(given.deckhand.resolve()), env=settings, max_concurrency=1, log=str(log)) as function:
        endpoint = f"http://127.0.0.1:{function.port}/discord"
        standins.pings(endpoint)
        for scenario, text, *_ in told:
            standins.scenario(scenario)
            typed.append(standins.types(text, endpoint)["interaction_id"])
            check.expect(function.wait_idle(60), f"{text} did not end")
    lines = []
    for text in logged(log):
        try:
            lines.append(json.loads(text))
        except ValueError:
            check.expect(False, "a line that is no JSON", text)
    summaries = [line for line in lines if line.get("event") == "interaction"]
    check.expect(len(summaries) == len(told) + 1, "one summary for each interaction", *summaries)
    pong = summaries[0]
    check.expect(pong["reply"] == "pong" and pong["cold_start"] and "_aws" not in pong, "the ping's line", pong)
    for interaction, (_, text, outcome, conclusion) in zip(typed, told, strict=True):
        found = [line for line in summaries if line.get("interaction_id") == str(interaction)]
        if len(found) != 1:
            check.expect(False, f"one summary of {text}", *found)
            continue
        ended = (found[0]["Outcome"], found[0].get("Conclusion"))
        check.expect(ended == (outcome, conclusion), f"how {text} ended", found[0])
        check.expect(bool(found[0].get("request_id")), f"the invocation of {text}", found[0])
        check.expect(not found[0]["cold_start"], f"{text} was no cold start", found[0])
    return lines


def asks(check: Check, lines: list[dict[str, Any]]) -> None:
    """The three queries, as they stand in the document."""
    document = OPERATIONS.read_text()
    queries = dict(re.findall(r"^### (\w+)$.*?^```\n(.*?)^```$", document, re.MULTILINE | re.DOTALL))
    check.expect([*queries] == ["Commands", "Deploys", "Trouble"], "the queries of the document", [*queries])
    rows = {name: insights.evaluate(query, lines) for name, query in queries.items()}
    for name, found in rows.items():
        print(f"  {name}:")
        for row in found:
            print("   ", json.dumps(row, ensure_ascii=False))

    counts: dict[tuple[str, str], int] = {}
    for _, text, outcome, _ in TYPED + UNDELIVERED:
        key = (text.split()[0].removeprefix("/"), outcome)
        counts[key] = counts.get(key, 0) + 1
    commands = rows["Commands"]
    check.expect({(row["Command"], row["Outcome"]): row["commands"] for row in commands} == counts, "counts", *commands)
    for row in commands:
        in_order = 0 <= row["p50_ms"] <= row["p95_ms"] <= row["max_ms"] < 2500
        check.expect(in_order, "time to answer", row)
    check.expect(commands[0]["commands"] == max(counts.values()), "the most used command comes first", commands[0])

    deploys = rows["Deploys"]
    conclusions = [conclusion for *_, conclusion in reversed(TYPED + UNDELIVERED) if conclusion]
    check.expect([row["Conclusion"] for row in deploys] == conclusions, "deploys, the last first", *deploys)
    for row in deploys:
        followed = row["Conclusion"] in ("success", "failure")
        dispatched = row["Conclusion"] != "not_dispatched"
        check.expect(("run_id" in row, "matched" in row) == (dispatched, dispatched), "the run", row)
        check.expect(("DeployDuration" in row) == followed, "how long it took", row)
        check.expect(("error" in row) != dispatched and bool(row["user_id"]), "who, and why not", row)

    trouble = rows["Trouble"]
    summaries = [line for line in lines if line.get("event") == "interaction"]
    calls = sum(line.get("GithubCalls", 0) for line in summaries)
    check.expect(sum(row["errors"] for row in trouble) == 2, "two errors", *trouble)
    check.expect(sum(row["follow_ups_failed"] for row in trouble) == 2, "two messages were undeliverable", *trouble)
    check.expect(calls > 0 and sum(row["github_calls"] for row in trouble) == calls, "the calls to GitHub", *trouble)
    least = min(line["GithubRateLimitLeft"] for line in summaries if "GithubRateLimitLeft" in line)
    check.expect(min(row["rate_limit_left"] for row in trouble) == least, "the least that was left", *trouble)


def refuses(check: Check) -> None:
    """What the evaluator does not know must not pass as if it did."""
    line = {"timestamp": "2026-11-22T10:00:00Z", "a": 1}
    for query in (
        "parse a",
        "filter a ~ 1",
        "filter a = 1 2",
        "stats average(a) as b",
        "stats count(*)",
        "stats count(*) as b by bin(1 hour)",
        "fields upper(a) as b",
        "fields a | sort b desc",
        "sort a",
        "limit many",
        "",
    ):
        try:
            insights.evaluate(query, [line])
        except (insights.NotKnown, ValueError):
            continue
        check.expect(False, f"the evaluator knows {query!r}")


def main() -> int:
    given = arguments(__doc__).parse_args()
    emulator = the_emulator(given.emulator)
    if emulator is None:
        return 2
    given.emulator = emulator
    check = Check()
    refuses(check)
    with the_standins(given.standins, given.deckhand) as (standins, folder):
        lines = happens(check, given, folder / "log", standins, TYPED, {})
        lines += happens(check, given, folder / "undelivered", standins, UNDELIVERED, NOWHERE)
    seen = set().union(*(check.metrics(line) for line in lines))
    check.expect(seen == set(METRICS), "every metric is sent by something", seen)
    asks(check, lines)
    for failure in check.failures:
        print(f"WRONG  {failure}", file=sys.stderr)
    if check.failures:
        print(f"{len(check.failures)} of {check.expected} expectations failed", file=sys.stderr)
        return 1
    print(f"{check.expected} expectations held for {len(lines)} lines of the log")
    return 0


if __name__ == "__main__":
    sys.exit(main())
