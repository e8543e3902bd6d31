#!/usr/bin/env python3
"""Holds everything that the bot sent in its tests against the official API descriptions.

    check_specs.py --record FOLDER --specs FOLDER --deckhand BINARY

FOLDER of --record is what `STANDINS_RECORD` made: one JSON document a line for each request that the
stand-ins received and each answer to an interaction. Every one of them is checked, also those that a
test had refused: what the bot sends must be well-formed whatever the server makes of it.

Exit status: 0 all valid, 1 something is not, 2 the check could not run.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

# In GitHub's API, but not among the operations of the description at hand, which is a slice of 38.
# https://docs.github.com/en/rest/users/users#get-the-authenticated-user
# https://docs.github.com/en/rest/git/refs#list-matching-references (the last parameter holds slashes)
# https://docs.github.com/en/rest/actions/artifacts#download-an-artifact
# https://docs.github.com/en/rest/repos/contents#get-repository-content
OUTSIDE_THE_SLICE = {
    ("get", "/user"): {"summary": "Get the authenticated user", "parameters": []},
    ("get", "/repos/{owner}/{repo}/git/matching-refs/{ref+}"): {
        "summary": "List matching references",
        "parameters": [],
    },
    ("get", "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/zip"): {
        "summary": "Download an artifact",
        "parameters": [],
    },
    ("get", "/repos/{owner}/{repo}/contents/{path+}"): {
        "summary": "Get repository content",
        "parameters": [{"name": "ref", "in": "query", "schema": {"type": "string"}}],
    },
}

# Without these in the recording the tests did not show the bot at work, and the check proves nothing.
NEEDED = {
    "GitHub: dispatch": "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
    "GitHub: look at a run": "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
    "GitHub: list runs": "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs",
    "Discord: edit": "edit of an original response",
    "Discord: follow-up": "follow-up",
    "Discord: callback": "answer to a command",
    "Discord: channel message": "message to a channel",
    "Discord: look into a channel": "GET /channels/{channel_id}/messages",
}

GITHUB_VERSIONS = {"2022-11-28", "2026-03-10"}
GITHUB_MEDIA_TYPES = {"application/vnd.github+json", "application/json"}
DISCORD_AGENT = re.compile(r"^DiscordBot \(https?://[^\s,()]+, [^\s()]+\)")
# `created` takes a moment, a comparison or a range; the description only says "string".
# https://docs.github.com/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax
MOMENT = r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?"
CREATED = re.compile(rf"^((>=|<=|>|<)?{MOMENT}|({MOMENT}|\*)\.\.({MOMENT}|\*))$")

ANSWERS = {1: "ping", 2: "command", 3: "component", 4: "autocomplete", 5: "modal"}


class CannotCheck(Exception):
    """The check itself cannot run."""


class Problems:
    """What is wrong, each said once, with how often it was seen."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def add(self, where: str, what: str) -> None:
        self.seen[f"{where}: {what}"] += 1


# ---- GitHub


class Github:
    """The operations of GitHub's description, each with what it takes."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.components = close(nullable(description["components"]))
        self.operations: list[tuple[str, str, dict[str, Any]]] = []
        for path, item in description["paths"].items():
            for method, operation in item.items():
                if method in ("get", "put", "post", "delete", "patch"):
                    shared = item.get("parameters", [])
                    own = operation.get("parameters", [])
                    operation = {**operation, "parameters": [*shared, *own]}
                    self.operations.append((method, path, operation))
        for (method, path), operation in OUTSIDE_THE_SLICE.items():
            self.operations.append((method, path, operation))
        # A literal part of a path wins over a parameter in its place.
        self.operations.sort(key=lambda entry: entry[1].count("{"))
        self.validators: dict[str, Draft202012Validator] = {}

    def find(self, method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]] | None:
        for known, template, operation in self.operations:
            if known == method.lower() and (values := fit(template, path)) is not None:
                return template, operation, values
        return None

    def errors(self, key: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
        if key not in self.validators:
            closed = close(nullable(copy.deepcopy(schema)))
            self.validators[key] = Draft202012Validator({**closed, "components": self.components})
        for error in self.validators[key].iter_errors(value):
            yield f"{error.json_path} {error.message}"

    def check(self, request: dict[str, Any], problems: Problems) -> str:
        method, path, headers = request["method"], request["path"], request["headers"]
        where = f"GitHub {method} {path}"
        found = self.find(method, path)
        if found is None:
            problems.add(where, "is no operation of GitHub's API")
            return "?"
        template, operation, in_path = found
        name = f"{method} {template}"
        parameters = [self.resolve(parameter) for parameter in operation["parameters"]]
        given = {"path": in_path, "query": request["query"]}
        for parameter in parameters:
            place, key = parameter["in"], parameter["name"]
            if key not in given.get(place, {}):
                if parameter.get("required"):
                    problems.add(where, f"lacks the {place} parameter {key}")
                continue
            for error in self.parameter_errors(f"{name} {place} {key}", parameter, given[place][key]):
                problems.add(where, f"the {place} parameter {key}: {error}")
        known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
        for key in sorted(set(request["query"]) - known):
            problems.add(where, f"the query parameter {key} is not known there")
        self.check_body(name, where, operation, request, problems)
        if not headers.get("user-agent", "").startswith("deckhand/"):
            problems.add(where, "says no user-agent deckhand/version")
        if headers.get("accept") not in GITHUB_MEDIA_TYPES:
            problems.add(where, f"accept is {headers.get('accept')!r}")
        if headers.get("x-github-api-version") not in GITHUB_VERSIONS:
            problems.add(where, f"x-github-api-version is {headers.get('x-github-api-version')!r}")
        return name

    def check_body(
        self, name: str, where: str, operation: dict[str, Any], request: dict[str, Any], problems: Problems
    ) -> None:
        described = operation.get("requestBody")
        body = request["body"]
        if described is None:
            if body is not None:
                problems.add(where, "has a body, but the operation takes none")
            return
        if body is None:
            if described.get("required"):
                problems.add(where, "lacks its body")
            return
        if not request["headers"].get("content-type", "").startswith("application/json"):
            problems.add(where, "has a body without content-type: application/json")
        schema = described["content"]["application/json"]["schema"]
        for error in self.errors(f"{name} body", schema, body):
            problems.add(where, f"body: {error}")

    def parameter_errors(self, key: str, parameter: dict[str, Any], text: str) -> Iterator[str]:
        yield from self.errors(key, parameter["schema"], typed(text, parameter["schema"]))
        if parameter["name"] == "created" and not CREATED.match(text):
            yield f"{text!r} is no moment, comparison or range"
        limit = re.search(r"\(max (\d+)\)", parameter.get("description", ""))
        if limit and text.isdigit() and not 1 <= int(text) <= int(limit[1]):
            yield f"{text} is not within 1 to {limit[1]}"

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = {"components": self.components}
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node


def fit(template: str, path: str) -> dict[str, str] | None:
    """The parameters of a path that fits the template."""
    parts, given = template.split("/"), path.split("/")
    if parts[-1].endswith("+}") and len(given) >= len(parts):
        given[len(parts) - 1 :] = ["/".join(given[len(parts) - 1 :])]
    if len(parts) != len(given):
        return None
    values = {}
    for part, value in zip(parts, given, strict=True):
        if part.startswith("{"):
            if not value:
                return None
            values[part.strip("{+}")] = unquote(value)
        elif part != value:
            return None
    return values


def typed(text: str, schema: dict[str, Any]) -> Any:
    """A parameter's text as what its schema asks for, if it can be that."""
    kinds = {schema.get("type"), *(option.get("type") for option in schema.get("oneOf", []))}
    if "string" in kinds:
        return text
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return text


def nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable`, in the words of JSON Schema."""
    if isinstance(node, list):
        return [nullable(child) for child in node]
    if not isinstance(node, dict):
        return node
    node = {key: nullable(child) for key, child in node.items()}
    if node.pop("nullable", False) is True and isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list):
            node["enum"] = [*node["enum"], None]
    return node


def close(node: Any) -> Any:
    """Makes objects with named properties refuse others: a misspelt one must not pass."""
    if isinstance(node, list):
        for child in node:
            close(child)
    elif isinstance(node, dict):
        named = isinstance(node.get("properties"), dict)
        if named and not {"allOf", "anyOf", "oneOf"} & node.keys():
            node.setdefault("additionalProperties", False)
        for child in node.values():
            close(child)
    return node


# ---- Discord


class Discord:
    """Discord's description, through the validator that comes with it."""

    def __init__(self, specs: Path) -> None:
        self.rules = load_module(specs / "validate_discord.py")
        self.description = json.loads((specs / "discord-openapi.json").read_text())
        self.paths = self.description["paths"]
        # Both change the description, so each is done once.
        self.rules.adapt(self.description)
        self.rules.close_objects(self.description)
        self.validators: dict[tuple[str, str | None], Draft202012Validator] = {}

    def errors(
        self, body: Any, kind: str, scope: str = "global", answers: str | None = None, followup: bool = False
    ) -> Iterator[str]:
        key = (kind, scope if kind == "command-set" else None)
        if key not in self.validators:
            schema = dict(self.rules.request_schema(self.description, kind, scope))
            schema["components"] = self.description["components"]
            import jsonschema

            formats = self.rules.format_checker(jsonschema)
            self.validators[key] = Draft202012Validator(schema, format_checker=formats)
        report = self.rules.Report()
        for error in self.validators[key].iter_errors(body):
            for path, message in self.rules.tell(error):
                report.error(path, message)
        asked = SimpleNamespace(kind=kind, scope=scope, answers=answers, followup=followup)
        self.rules.check_rules(body, asked, report)
        for place, message in dict.fromkeys([*report.errors, *report.warnings]):
            yield f"{place} {message}"

    def check(self, request: dict[str, Any], problems: Problems) -> str:
        method, path, body = request["method"], request["path"], request["body"]
        where = f"Discord {method} {path}"
        if not DISCORD_AGENT.match(request["headers"].get("user-agent", "")):
            problems.add(where, f"user-agent is {request['headers'].get('user-agent')!r}")
        # With files the body is a form, of which the recording keeps the JSON part.
        kinds = ("application/json", "multipart/form-data; boundary=")
        if body is not None and not request["headers"].get("content-type", "").startswith(kinds):
            problems.add(where, "has a body that is neither JSON nor a form with files")
        if not path.startswith("/api/v10/"):
            problems.add(where, "does not say /api/v10, so an older version is meant")
            return "?"
        path = path.removeprefix("/api/v10")
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        if method == "PATCH" and fit(f"{webhook}/messages/@original", path):
            self.message(where, body, problems, kind="webhook-edit")
            return "edit of an original response"
        if method == "POST" and fit(webhook, path):
            self.message(where, body, problems, kind="webhook-execute", followup=True)
            return "follow-up"
        if method == "POST" and fit("/channels/{channel_id}/messages", path):
            self.message(where, body, problems, kind="channel-message")
            if not isinstance(body, dict) or not body.get("nonce") or body.get("enforce_nonce") is not True:
                problems.add(where, "does not say nonce and enforce_nonce, so it could be there twice")
            return "message to a channel"
        if method == "PUT" and fit("/applications/{id}/commands", path):
            self.whole(where, body, problems, kind="command-set", scope="global")
            return "registration for all servers"
        if method == "PUT" and fit("/applications/{id}/guilds/{guild}/commands", path):
            self.whole(where, body, problems, kind="command-set", scope="guild")
            return "registration for one server"
        # An edit of a follow-up has the rules of an edit of the original response.
        if method == "PATCH" and fit(f"{webhook}/messages/{{message_id}}", path):
            self.message(where, body, problems, kind="webhook-edit")
            return "edit of a follow-up"
        # What is left has no body, or is not sent yet: it must at least exist, and be bare.
        known = (t for t, item in self.paths.items() if method.lower() in item and fit(t, path) is not None)
        template = min(known, key=lambda t: t.count("{"), default=None)
        if template is None:
            problems.add(where, "is no operation of Discord's API")
            return "?"
        if body is not None:
            problems.add(where, "has a body that this check does not know how to judge yet")
        return f"{method} {template}"

    def whole(self, where: str, body: Any, problems: Problems, **how: Any) -> None:
        for error in self.errors(body, **how):
            problems.add(where, error)

    def message(self, where: str, body: Any, problems: Problems, **how: Any) -> None:
        self.whole(where, body, problems, **how)
        self.mentions(where, body, problems)

    def mentions(self, where: str, message: Any, problems: Problems) -> None:
        """Without `allowed_mentions` a text from elsewhere could ping people."""
        allowed = message.get("allowed_mentions") if isinstance(message, dict) else None
        if not isinstance(allowed, dict) or allowed.get("parse") != []:
            problems.add(where, "does not say allowed_mentions with parse: []")

    def callback(self, answer: dict[str, Any], problems: Problems) -> str:
        answers = ANSWERS.get(answer["interaction_type"])
        where = f"answer to an interaction of type {answer['interaction_type']}"
        body = answer["body"]
        if not answer["accepted"] and isinstance(body, dict) and set(body) == {"error"}:
            return "refused request (401 and the like)"
        for error in self.errors(body, "interaction-response", answers=answers):
            problems.add(where, error)
        if isinstance(body, dict) and body.get("type") in (4, 7):
            self.mentions(where, body.get("data"), problems)
        return f"answer to a {answers}" if answers else "answer to an unknown interaction"


def load_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise CannotCheck(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


# ---- the whole


def read(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise CannotCheck(f"nothing was recorded in {folder}")
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise CannotCheck(f"{file.name}, line {number}: {error}") from error


def check_recording(
    records: Iterator[dict[str, Any]], github: Github, discord: Discord, problems: Problems
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for record in records:
        match record["to"]:
            case "github":
                counts[github.check(record, problems)] += 1
            case "discord":
                counts[discord.check(record, problems)] += 1
            case "discord-callback":
                counts[discord.callback(record, problems)] += 1
            case other:
                raise CannotCheck(f"a record of something sent to {other!r}")
    for what, name in NEEDED.items():
        if not counts[name]:
            problems.add(what, "was not recorded even once")
    return counts


def check_commands(deckhand: Path, discord: Discord, problems: Problems) -> Counter[str]:
    counts: Counter[str] = Counter()
    for scope, arguments in (("global", []), ("guild", ["--guild"])):
        line = [str(deckhand), "commands", *arguments]
        # Without any settings: the list must not depend on them.
        ran = subprocess.run(line, env={}, capture_output=True, text=True, timeout=30)
        where = " ".join(["deckhand commands", *arguments])
        if ran.returncode != 0:
            problems.add(where, f"exit status {ran.returncode}: {ran.stderr.strip()}")
            continue
        commands = json.loads(ran.stdout)
        if not commands:
            problems.add(where, "is empty")
        for error in discord.errors(commands, "command-set", scope=scope):
            problems.add(where, error)
        counts[f"registered commands ({scope})"] = len(commands)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--specs", type=Path, required=True)
    parser.add_argument("--deckhand", type=Path, required=True)
    asked = parser.parse_args()
    problems = Problems()
    try:
        github = Github(json.loads((asked.specs / "github-actions-openapi.json").read_text()))
        discord = Discord(asked.specs)
        counts = check_recording(read(asked.record), github, discord, problems)
        counts.update(check_commands(asked.deckhand, discord, problems))
    except (CannotCheck, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        print(f"cannot check: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    for name, count in sorted(counts.items()):
        print(f"{count:6}  {name}")
    for problem, times in problems.seen.most_common():
        print(f"WRONG ({times}x)  {problem}", file=sys.stderr)
    if problems.seen:
        print(f"{len(problems.seen)} kinds of request do not fit the API descriptions", file=sys.stderr)
        return 1
    print(f"{sum(counts.values())} requests, answers and commands fit the API descriptions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
