#!/usr/bin/env python3
"""Holds everything that the bot sent in its tests against the official API descriptions, and what it was sent by the
stand-in of GitHub against real webhooks.

FOLDER of --record is what `STANDINS_RECORD` made: one JSON document a line for each request that the stand-ins received
and each answer to an interaction. Every one of them is checked, also those that a test had refused: what the bot sends
must be well-formed whatever the server makes of it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import jsonschema

# Without these in the recording the tests did not show the bot at work, and the check proves nothing.
NEEDED = (
    "GitHub: post /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
    "GitHub: get /repos/{owner}/{repo}/actions/runs/{run_id}",
    "GitHub: get /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs",
    "Discord: webhook-edit",
    "Discord: webhook-execute",
    "Discord: answer to a command",
    "Discord: answer to a component",
    "Discord: channel-message",
    "Discord: get /channels/{channel_id}/messages",
    "Discord: command-set global",
    "Discord: command-set guild",
)
GITHUB_HEADERS = {
    "user-agent": r"deckhand/.+",
    "accept": r"application/(vnd\.github\+)?json",
    "x-github-api-version": r"2022-11-28|2026-03-10",
}
DISCORD_AGENT = r"DiscordBot \(https?://[^\s,()]+, [^\s()]+\).*"
ANSWERS = {1: "ping", 2: "command", 3: "component", 4: "autocomplete", 5: "modal"}
# Parameters of a path that may hold slashes themselves.
SLASHES = ("ref", "path", "concurrency_group_name")
WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
# What Discord's validator calls the body of an operation, and what it is to know besides.
DISCORD_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): {"kind": "webhook-edit"},
    ("PATCH", f"{WEBHOOK}/messages/@original"): {"kind": "webhook-edit"},
    ("PATCH", f"{WEBHOOK}/messages/{{message_id}}"): {"kind": "webhook-edit"},
    ("POST", WEBHOOK): {"kind": "webhook-execute", "followup": True},
    ("POST", "/channels/{channel_id}/messages"): {"kind": "channel-message"},
    ("PUT", "/applications/{id}/commands"): {"kind": "command-set", "scope": "global"},
    ("PUT", "/applications/{id}/guilds/{guild}/commands"): {"kind": "command-set", "scope": "guild"},
}


def fit(template: str, path: str) -> dict[str, str] | None:
    """The parameters of a path that fits the template."""
    parts = re.split(r"\{(\w+)\}", template)
    names = (f"(?P<{name}>{'.+' if name in SLASHES else '[^/]+'})" for name in parts[1::2])
    pattern = "".join(map(str.__add__, map(re.escape, parts[::2]), [*names, ""]))
    found = re.fullmatch(pattern, path)
    return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


def typed(text: str, schema: dict[str, Any]) -> Any:
    """A parameter's text as what its schema asks for, if it can be that."""
    kinds = {schema.get("type"), *(option.get("type") for option in schema.get("oneOf", []))}
    number = "integer" in kinds and re.fullmatch(r"-?\d+", text)
    boolean = "boolean" in kinds and text in ("true", "false")
    return json.loads(text) if "string" not in kinds and (number or boolean) else text


def strict(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema; objects with named properties refuse others, because a
    misspelt one must not pass."""
    if isinstance(node, list):
        return [strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    node = {key: strict(child) for key, child in node.items()}
    if node.pop("nullable", False) is True and isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list):
            node["enum"] = [*node["enum"], None]
    if isinstance(node.get("properties"), dict) and not {"allOf", "anyOf", "oneOf"} & node.keys():
        node.setdefault("additionalProperties", False)
    return node


def wrong_headers(given: dict[str, str], wanted: dict[str, str]) -> Iterator[str]:
    for name, pattern in wanted.items():
        if not re.fullmatch(pattern, given.get(name, "")):
            yield f"{name} is {given.get(name)!r}"


class Github:
    """The operations of GitHub's description, each with what it takes."""

    def __init__(self, description: dict[str, Any]) -> None:
        description = strict(description)
        self.components = description["components"]
        self.operations = [
            (method, path, {**operation, "parameters": item.get("parameters", []) + operation.get("parameters", [])})
            # A literal part of a path wins over a parameter in its place.
            for path, item in sorted(description["paths"].items(), key=lambda of: of[0].count("{"))
            for method, operation in item.items()
            if method in ("get", "put", "post", "delete", "patch")
        ]

    def errors(self, what: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
        validator = jsonschema.Draft202012Validator({**schema, "components": self.components})
        for error in validator.iter_errors(value):
            yield f"{what}: {error.json_path} {error.message}"

    def check(self, request: dict[str, Any]) -> Iterator[str]:
        """What kind of request it is; then what is wrong with it."""
        method, path = request["method"].lower(), request["path"]
        fitting = (known for known in self.operations if known[0] == method and fit(known[1], path) is not None)
        _, template, operation = next(fitting, (method, "?", None))
        yield f"{method} {template}"
        if operation is None:
            yield "is no operation of GitHub's API"
            return
        given = {("path", name): text for name, text in (fit(template, path) or {}).items()}
        given |= {("query", name): text for name, text in request["query"].items()}
        for parameter in map(self.resolve, operation["parameters"]):
            place, name = parameter["in"], parameter["name"]
            text = given.pop((place, name), None)
            if text is not None:
                yield from self.parameter_errors(f"the {place} parameter {name}", parameter, text)
            elif parameter.get("required"):
                yield f"lacks the {place} parameter {name}"
        for place, name in sorted(given):
            yield f"the {place} parameter {name} is not known there"
        body, described = request["body"], operation.get("requestBody", {})
        if body is not None and not described:
            yield "has a body, but the operation takes none"
        elif body is not None:
            yield from wrong_headers(request["headers"], {"content-type": "application/json.*"})
            yield from self.errors("body", described["content"]["application/json"]["schema"], body)
        elif described.get("required"):
            yield "lacks its body"
        yield from wrong_headers(request["headers"], GITHUB_HEADERS)

    def parameter_errors(self, what: str, parameter: dict[str, Any], text: str) -> Iterator[str]:
        yield from self.errors(what, parameter["schema"], typed(text, parameter["schema"]))
        limit = re.search(r"\(max (\d+)\)", parameter.get("description", ""))
        if limit and text.isdigit() and not 1 <= int(text) <= int(limit[1]):
            yield f"{what}: {text} is not within 1 to {limit[1]}"

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            node = self.components[kind][name]
        return node


class Webhooks:
    """Real payloads of GitHub's webhooks: what the stand-in delivers must have all that they have."""

    # What a real payload is called, by event and action; others are like the first.
    SAMPLES = {
        ("ping", ""): "ping.example",
        ("workflow_run", ""): "workflow_run.completed.success",
        ("workflow_run", "requested"): "workflow_run.requested.queued",
        ("workflow_job", ""): "workflow_job.queued",
        ("workflow_job", "completed"): "workflow_job.completed.failure",
    }
    # Only the deliveries of an App's hook have it.
    SOMETIMES = ("$.installation",)
    # Only the ping of a repository's hook has it: an App's hook belongs to no repository.
    OF_A_REPOSITORY = frozenset(
        ["$.repository", "$.sender", *(f"$.hook.{name}" for name in ("url", "test_url", "ping_url", "last_response"))]
    )

    def __init__(self, folder: Path) -> None:
        self.samples = {kind: json.loads((folder / f"{name}.json").read_text()) for kind, name in self.SAMPLES.items()}

    def check(self, delivery: dict[str, Any]) -> Iterator[str]:
        """What kind of delivery it is; then what is wrong with it."""
        event, body = delivery["event"], delivery["body"]
        action = body.get("action", "") if isinstance(body, dict) else ""
        yield f"{event} {action}".rstrip()
        sample = self.samples.get((event, action), self.samples.get((event, "")))
        if sample is not None:
            of_an_app = event == "ping" and body.get("hook", {}).get("type") == "App"
            missing = {f"{path} lacks {name}" for path, _, name in (at.rpartition(".") for at in self.OF_A_REPOSITORY)}
            wrong = self.lacks("$", sample, body)
            yield from (what for what in wrong if not (of_an_app and what in missing))
        yield from wrong_headers(delivery["headers"], {"user-agent": "GitHub-Hookshot/.+", "x-github-event": event})

    def lacks(self, at: str, real: Any, ours: Any) -> Iterator[str]:
        if at in self.SOMETIMES or real is None or ours is None:
            return
        if type(real) is not type(ours):
            yield f"{at} is a {type(ours).__name__}, not a {type(real).__name__}"
        elif isinstance(real, dict):
            for name, value in real.items():
                if name in ours:
                    yield from self.lacks(f"{at}.{name}", value, ours[name])
                elif f"{at}.{name}" not in self.SOMETIMES:
                    yield f"{at} lacks {name}"
        elif isinstance(real, list) and real and ours:
            yield from self.lacks(f"{at}[0]", real[0], ours[0])


class Discord:
    """Discord's description, through the validator that comes with it."""

    def __init__(self, specs: Path) -> None:
        sys.path.append(str(specs))
        import validate_discord

        self.rules = validate_discord
        self.description = json.loads((specs / "discord-openapi.json").read_text())
        self.paths = self.description["paths"]
        # Both change the description, so each is done once.
        self.rules.adapt(self.description)
        self.rules.close_objects(self.description)
        self.components = {"components": self.description["components"]}
        self.formats = self.rules.format_checker(jsonschema)

    def errors(
        self, body: Any, kind: str, scope: str = "global", answers: str | None = None, followup: bool = False
    ) -> Iterator[str]:
        schema = {**self.rules.request_schema(self.description, kind, scope), **self.components}
        report = self.rules.Report()
        for error in jsonschema.Draft202012Validator(schema, format_checker=self.formats).iter_errors(body):
            for path, message in self.rules.tell(error):
                report.error(path, message)
        asked = SimpleNamespace(kind=kind, scope=scope, answers=answers, followup=followup)
        self.rules.check_rules(body, asked, report)
        for place, message in dict.fromkeys([*report.errors, *report.warnings]):
            yield f"{place} {message}"

    def check(self, request: dict[str, Any]) -> Iterator[str]:
        """What kind of request it is; then what is wrong with it."""
        method, path, body = request["method"], request["path"].removeprefix("/api/v10"), request["body"]
        known = [t for t, item in self.paths.items() if method.lower() in item and fit(t, path) is not None]
        template = min(known, key=lambda t: t.count("{"), default="?")
        how = next((how for (by, t), how in DISCORD_BODIES.items() if by == method and fit(t, path)), None)
        yield f"{how['kind']} {how.get('scope', '')}".rstrip() if how else f"{method.lower()} {template}"
        yield from wrong_headers(request["headers"], {"user-agent": DISCORD_AGENT})
        if not known or path == request["path"]:
            yield "is no operation of version 10 of Discord's API"
        if how is None:
            if body is not None:
                yield from self.described(self.paths.get(template, {}).get(method.lower(), {}), body)
            return
        # With files the body is a form, of which the recording keeps the JSON part.
        yield from wrong_headers(request["headers"], {"content-type": "application/json.*|multipart/form-data; .*"})
        yield from self.errors(body, **how)
        if how["kind"] != "command-set":
            yield from self.mentions(body)
        if how["kind"] == "channel-message" and not (body.get("nonce") and body.get("enforce_nonce") is True):
            yield "does not say nonce and enforce_nonce, so it could be there twice"

    def described(self, operation: dict[str, Any], body: Any) -> Iterator[str]:
        """A body for which the description has all the rules."""
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            yield "has a body, and its operation takes none"
            return
        validator = jsonschema.Draft202012Validator({**schema, **self.components}, format_checker=self.formats)
        for error in validator.iter_errors(body):
            yield error.message

    def mentions(self, message: Any) -> Iterator[str]:
        """Without `allowed_mentions` a text from elsewhere could ping people."""
        if not isinstance(message, dict) or (message.get("allowed_mentions") or {}).get("parse") != []:
            yield "does not say allowed_mentions with parse: []"

    def callback(self, answer: dict[str, Any]) -> Iterator[str]:
        """What kind of answer it is; then what is wrong with it."""
        answers, body = ANSWERS.get(answer["interaction_type"]), answer["body"]
        if not answer["accepted"] and isinstance(body, dict) and set(body) == {"error"}:
            yield "refused request (401 and the like)"
            return
        yield f"answer to a {answers}"
        yield from self.errors(body, "interaction-response", answers=answers)
        if isinstance(body, dict) and body.get("type") in (4, 7):
            yield from self.mentions(body.get("data"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--record", "--specs"):
        parser.add_argument(name, type=Path, required=True)
    asked = parser.parse_args()
    github = Github(json.loads((asked.specs / "github-actions-openapi.json").read_text()))
    discord = Discord(asked.specs)
    webhooks = Webhooks(asked.specs / "github-webhooks")
    checks = {
        "github": github.check,
        "github-webhook": webhooks.check,
        "discord": discord.check,
        "discord-callback": discord.callback,
    }
    apis = {"github": "GitHub", "github-webhook": "GitHub's webhook"}
    counts: Counter[str] = Counter()
    problems: Counter[str] = Counter()

    for file in sorted(asked.record.glob("*.jsonl")):
        for record in map(json.loads, file.read_text().splitlines()):
            what = record.get("path", record.get("interaction_type", record.get("event")))
            where = f"{record.get('method', 'delivery' if 'event' in record else 'answer to type')} {what}"
            api, check = apis.get(record["to"], "Discord"), checks[record["to"]](record)
            counts[f"{api}: {next(check)}"] += 1
            problems.update(f"{api} {where}: {problem}" for problem in check)
    problems.update(f"{name}: was not recorded even once" for name in NEEDED if not counts[name])
    for name, count in sorted(counts.items()):
        print(f"{count:6}  {name}")
    for problem, times in problems.most_common():
        print(f"WRONG ({times}x)  {problem}", file=sys.stderr)
    print(f"{counts.total()} requests and answers; {len(problems)} kinds do not fit")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
