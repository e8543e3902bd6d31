#!/usr/bin/env python3
"""Checks that the IAM policies of docs/deploying.md and of the template's roles allow what they seem to.

IAM ignores an action on a resource of a type that the action does not know, and says nothing. So each action must know
one of its statement's resources, and each resource must be known to one of the actions. Where a whole service is
allowed (`logs:*`), that goes for what it calls the template's own resources (`PutQueryDefinition`).

What IAM knows comes with checkov, in policy_sentry."""

from __future__ import annotations

import argparse
import fnmatch
import functools
import json
import re
import sys
from pathlib import Path
from typing import Any

from cloudformation import Template
from policy_sentry.querying.actions import get_action_data, get_actions_for_service

# What the template needs to be told. The rest has defaults.
PARAMETERS = {"DiscordPublicKey": "0" * 64, "DiscordApplicationId": "0" * 17, "GithubRepo": "o/r"}
PREFIX = "us-east-1:123456789012"
RESOURCES = {
    "DeckhandFunction.Arn": f"arn:aws:lambda:{PREFIX}:function:deckhand-x",
    "FunctionLogs.Arn": f"arn:aws:logs:{PREFIX}:log-group:/aws/lambda/deckhand:*",
    "HttpApiLogs.Arn": f"arn:aws:logs:{PREFIX}:log-group:/aws/vendedlogs/deckhand-http-api:*",
    "Table.Arn": f"arn:aws:dynamodb:{PREFIX}:table/deckhand-x",
}
# IAM asks for these and does not list them: a template's transform, and the tags of an HTTP API.
UNLISTED = {"arn:aws:cloudformation:REGION:aws:transform/Serverless-2016-10-31", "arn:aws:apigateway:REGION::/tags/*"}
# How CloudFormation makes, looks at and deletes a resource. Lists of everything are not needed for it.
VERBS = "Create|Delete|Describe|Get|Put|Update"


def some(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@functools.cache
def meets(one: str, other: str) -> bool:
    """Whether some text fits both patterns."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return meets(one[1:], other) or meets(one, other[1:])
    if other[0] == "*":
        return meets(other, one)
    return one[0] == other[0] and meets(one[1:], other[1:])


def of_type(resource: str, known: str) -> bool:
    parts = zip(resource.split(":", 5), known.split(":", 5), strict=False)
    return all(meets(one, other) for one, other in parts)


@functools.cache
def formats(action: str) -> frozenset[str]:
    """The resources that an action knows, as patterns; none if IAM does not know the action."""
    service, name = action.split(":")
    data = get_action_data(service, name) or {}
    return frozenset(re.sub(r"\$\{[^}]*\}", "*", of["resource_arn_format"]) for of in data.get(service, []))


def knows(action: str, resource: str) -> bool:
    return resource == "*" or any(known != "*" and of_type(resource, known) for known in formats(action))


def expanded(pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern]
    return fnmatch.filter(get_actions_for_service(pattern.split(":")[0]), pattern)


def failures_of(policy: dict[str, Any], types: set[str]) -> list[str]:
    """What is wrong with a policy, by which someone makes resources of these types."""
    failures: list[str] = []
    allowed: set[str] = set()
    holes: set[str] = set()
    for statement in policy["Statement"]:
        resources = some(statement["Resource"])
        taken = [action for pattern in some(statement["Action"]) for action in expanded(pattern)]
        for action in taken:
            if not formats(action):
                failures.append(f"IAM knows no {action}")
            elif any(knows(action, resource) for resource in resources):
                allowed.add(action)
            elif action in some(statement["Action"]):
                failures.append(f"{action} does not apply to {', '.join(resources)}")
            else:
                holes.add(action)
        failures += [
            f"no action applies to {resource}"
            for resource in resources
            if resource not in UNLISTED and not any(knows(action, resource) for action in taken)
        ]
    for kind in types:
        _, service, noun = kind.split("::")
        needed = re.compile(f"{service.lower()}:({VERBS}){noun}s?")
        failures += [
            f"{action} seems allowed, but does not apply to what it is allowed on"
            for action in sorted(holes - allowed)
            if needed.fullmatch(action)
        ]
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("template", type=Path, help="what transform.py printed")
    parser.add_argument("document", type=Path, help="Markdown with policies in JSON")
    given = parser.parse_args()
    template = json.loads(given.template.read_text())
    reader = Template(template, PARAMETERS, RESOURCES)

    policies: list[tuple[str, dict[str, Any], set[str]]] = []
    for name, of in template["Resources"].items():
        if of["Type"] == "AWS::IAM::Role":
            policies += [
                (name, reader.value(policy["PolicyDocument"]), set()) for policy in of["Properties"]["Policies"]
            ]
    types = {of["Type"] for of in template["Resources"].values()}
    blocks = re.findall(r"^ *```json\n(.*?)^ *```$", given.document.read_text(), re.DOTALL | re.MULTILINE)
    for policy in map(json.loads, blocks):
        if all("Resource" in statement for statement in policy["Statement"]):
            policies.append((str(given.document), policy, types))

    failures = [f"{where}: {what}" for where, policy, of in policies for what in failures_of(policy, of)]
    if len(policies) < 2:
        failures.append("there are no policies")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
