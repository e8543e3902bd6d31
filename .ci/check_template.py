#!/usr/bin/env python3
"""Checks what no linter knows in the CloudFormation that transform.py prints.

Every parameter has its place in the form, each wait has a timeout that fits, texts in JSON are JSON, no secret is in
the open, nothing is kept for ever or allowed by a wildcard.

The policies of its roles and of docs/deploying.md allow what they seem to. IAM ignores an action on a resource of a
type that the action does not know, and says nothing. So each action must know one of its statement's resources, and
each resource must be known to one of the actions. Where a whole service is allowed (`logs:*`), that goes for what it
calls the template's own resources (`PutQueryDefinition`). What IAM knows is in policy_sentry."""

from __future__ import annotations

import fnmatch
import functools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudformation import ACCOUNT, REGION, Template, some
from policy_sentry.querying.actions import get_action_data, get_actions_for_service

SECRETS = {
    "DISCORD_BOT_TOKEN",
    "GITHUB_TOKEN",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRET",
    "GITHUB_WEBHOOK_SECRET_PREVIOUS",
}
# Lambda's longest, and what Deckhand needs after a wait to say how things stand.
LONGEST_TIMEOUT = 900
AFTER_WAIT = 60
# A run of many jobs, and more than one run.
WEBHOOKS_AT_ONCE = 100
# What the template needs to be told. The rest has defaults.
PARAMETERS = {
    "DiscordPublicKey": "0" * 64,
    "DiscordApplicationId": "0" * 17,
    "AllowedGuildIds": "0" * 17,
    "GithubRepo": "o/r",
}
HERE = f"{REGION}:{ACCOUNT}"
RESOURCES = {
    "DeckhandFunction.Arn": f"arn:aws:lambda:{HERE}:function:deckhand-x",
    "FunctionLogs.Arn": f"arn:aws:logs:{HERE}:log-group:/aws/lambda/deckhand:*",
    "HttpApiLogs.Arn": f"arn:aws:logs:{HERE}:log-group:/aws/vendedlogs/deckhand-http-api:*",
    "Table.Arn": f"arn:aws:dynamodb:{HERE}:table/deckhand-x",
}
# IAM asks for these and does not list them: a template's transform, and the tags of an HTTP API.
UNLISTED = {"arn:aws:cloudformation:REGION:aws:transform/Serverless-2016-10-31", "arn:aws:apigateway:REGION::/tags/*"}
# How CloudFormation makes, looks at and deletes a resource. Lists of everything are not needed for it.
VERBS = "Create|Delete|Describe|Get|Put|Update"


def form(template: dict[str, Any]) -> Iterator[str]:
    parameters = template["Parameters"]
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    for name in {*parameters, *grouped, *interface["ParameterLabels"]}:
        times = (name in parameters, grouped.count(name), name in interface["ParameterLabels"])
        if times != (True, 1, True) or not parameters[name].get("Description"):
            yield f"{name}: is not declared, described, labelled and in one group of the form"


def waits(template: dict[str, Any]) -> Iterator[str]:
    offered = template["Parameters"]["WaitTimeoutSeconds"]["AllowedValues"]
    mapped = template["Mappings"]["WaitSeconds"]
    for wait in set(offered) ^ set(mapped):
        yield f"wait {wait}: offered and mapped differ"
    for wait, of in mapped.items():
        timeout, slow = of["Timeout"], of["SlowMilliseconds"]
        if not int(wait) + AFTER_WAIT <= timeout <= LONGEST_TIMEOUT or not int(wait) < slow / 1000 < timeout:
            yield f"wait {wait}: a timeout of {timeout} s or a warning at {slow} ms does not fit"


def texts(template: dict[str, Any]) -> Iterator[str]:
    of = {name: resource["Properties"] for name, resource in template["Resources"].items()}
    schedules = [of[name]["Target"]["Input"] for name in ("ScheduledDigest", "Sweep")]
    dashboard, stage = of["Dashboard"]["DashboardBody"]["Fn::Sub"], of["HttpApiApiGatewayDefaultStage"]
    for text in (dashboard, *schedules, stage["AccessLogSettings"]["Format"]):
        try:
            json.loads(text)
        except ValueError as error:
            yield f"no JSON: {error} in {text}"


def secrets(template: dict[str, Any]) -> Iterator[str]:
    environment = template["Resources"]["DeckhandFunction"]["Properties"]["Environment"]["Variables"]
    for name in SECRETS & environment.keys():
        yield f"{name} is a plain environment variable"
    for name in {f"{name}_PARAMETER" for name in SECRETS} - environment.keys():
        yield f"{name} is not set"


def named_parameters(template: dict[str, Any]) -> Iterator[str]:
    """The role reads the SSM parameters that the environment names, and no others: those for Discord and for one way to
    sign in to GitHub, and with webhooks their secrets."""
    app = {"GithubAppId": "1", "GithubAppInstallationId": "1"}
    webhooks = {"UseWebhooks": "true"}
    for chosen, count in (({}, 2), (app, 2), (webhooks, 3), ({**app, **webhooks, "RotateWebhookSecret": "true"}, 4)):
        reader = Template(template, {**PARAMETERS, **chosen}, {**RESOURCES, "Table": "deckhand-x"})
        environment = reader.value(reader.properties("DeckhandFunction")["Environment"]["Variables"])
        names = {value for name, value in environment.items() if name.endswith("_PARAMETER") and value}
        [policy] = reader.value(reader.properties("FunctionRole")["Policies"])
        statements = policy["PolicyDocument"]["Statement"]
        of_ssm = [of for of in statements if any(action.startswith("ssm:") for action in some(of["Action"]))]
        allowed = {resource for of in of_ssm for resource in some(of["Resource"])}
        wanted = {f"arn:aws:ssm:{HERE}:parameter{name}" for name in names}
        if allowed != wanted or len(wanted) != count:
            yield f"with {chosen} the role may read {sorted(allowed)}, and needs {sorted(wanted)}"


def throttles(template: dict[str, Any]) -> Iterator[str]:
    """Webhooks have a limit of their own, wider than a burst of them, and take nothing from Discord's."""
    stage = template["Resources"]["HttpApiApiGatewayDefaultStage"]["Properties"]
    routes = stage["RouteSettings"]
    burst = routes.get("POST /github/webhook", {}).get("ThrottlingBurstLimit", 0)
    if burst < WEBHOOKS_AT_ONCE:
        yield f"of {WEBHOOKS_AT_ONCE} webhooks at once {burst} are let through"
    paths = template["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]
    served = {f"{method.upper()} {path}" for path, of in paths.items() for method in of}
    for route in routes.keys() - served:
        yield f"{route}: has a limit and is not served"


def closed(template: dict[str, Any]) -> Iterator[str]:
    """Who deploys says which servers may command the bot. No default opens it."""
    servers = template["Parameters"]["AllowedGuildIds"]
    if "Default" in servers:
        yield "AllowedGuildIds has a default"
    for given, fine in (("", False), ("*", True), ("1" * 18, True), (f"{'1' * 18},*", False), ("**", False)):
        if bool(re.fullmatch(servers["AllowedPattern"], given)) != fine:
            yield f"AllowedGuildIds: {given!r} is {'refused' if fine else 'taken'}"
    for name in ("FrontendBaseUrl", "ViteApiBase", "GithubApiBase"):
        pattern = template["Parameters"][name]["AllowedPattern"]
        for rest in ("", "?a=b", "/a?", "/#a", "/a&b"):
            if bool(re.fullmatch(pattern, f"https://example.com{rest}")) != (not rest):
                yield f"{name}: https://example.com{rest} is {'refused' if not rest else 'taken'}"


def posture(template: dict[str, Any]) -> Iterator[str]:
    """What linters for security ask for, as far as it fits a bot that costs nearly nothing."""
    wanted = {
        "AWS::Logs::LogGroup": "RetentionInDays",
        "AWS::DynamoDB::Table": "PointInTimeRecoverySpecification",
        "AWS::Lambda::Function": "ReservedConcurrentExecutions",
        "AWS::Lambda::Permission": "SourceArn",
    }
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        needed = wanted.get(resource["Type"])
        if needed and needed not in properties:
            yield f"{name}: has no {needed}"
        if resource["Type"] != "AWS::IAM::Role":
            continue
        if properties.get("ManagedPolicyArns"):
            yield f"{name}: has a policy that is not written here"
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            if statement["Principal"].keys() != {"Service"}:
                yield f"{name}: may be assumed by {statement['Principal']}"
        for policy in properties["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if any("*" in action for action in some(statement["Action"])) or statement["Resource"] == "*":
                    yield f"{name}: allows {statement['Action']} on {statement['Resource']}"


# ---- policies


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


@functools.cache
def formats(action: str) -> frozenset[str]:
    """The resources that an action knows, as patterns; none if IAM does not know the action."""
    service, name = action.split(":")
    data = get_action_data(service, name) or {}
    return frozenset(re.sub(r"\$\{[^}]*\}", "*", of["resource_arn_format"]) for of in data.get(service, []))


def knows(action: str, resource: str) -> bool:
    def of_type(known: str) -> bool:
        parts = zip(resource.split(":", 5), known.split(":", 5), strict=False)
        return known != "*" and all(meets(one, other) for one, other in parts)

    return resource == "*" or any(map(of_type, formats(action)))


def expanded(pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern]
    return fnmatch.filter(get_actions_for_service(pattern.split(":")[0]), pattern)


def failures_of(policy: dict[str, Any], types: set[str]) -> Iterator[str]:
    """What is wrong with a policy, by which someone makes resources of these types."""
    allowed: set[str] = set()
    holes: set[str] = set()
    for statement in policy["Statement"]:
        resources, patterns = some(statement["Resource"]), some(statement["Action"])
        taken = [action for pattern in patterns for action in expanded(pattern)]
        for action in taken:
            if not formats(action):
                yield f"IAM knows no {action}"
            elif any(knows(action, resource) for resource in resources):
                allowed.add(action)
            elif action in patterns:
                yield f"{action} does not apply to {', '.join(resources)}"
            else:
                holes.add(action)
        for resource in resources:
            if resource not in UNLISTED and not any(knows(action, resource) for action in taken):
                yield f"no action applies to {resource}"
    for kind in types:
        _, service, noun = kind.split("::")
        needed = re.compile(f"{service.lower()}:({VERBS}){noun}s?")
        for action in filter(needed.fullmatch, sorted(holes - allowed)):
            yield f"{action} seems allowed, but does not apply to what it is allowed on"


def policies(template: dict[str, Any], document: str) -> Iterator[str]:
    reader = Template(template, PARAMETERS, RESOURCES)
    resources = template["Resources"]
    roles = [name for name, of in resources.items() if of["Type"] == "AWS::IAM::Role"]
    written = [(role, policy["PolicyDocument"]) for role in roles for policy in reader.properties(role)["Policies"]]
    checked = [(role, reader.value(policy), set()) for role, policy in written]
    blocks = re.findall(r"^ *```json\n(.*?)^ *```$", document, re.DOTALL | re.MULTILINE)
    documented = [policy for policy in map(json.loads, blocks) if "Resource" in policy["Statement"][0]]
    types = {of["Type"] for of in resources.values()}
    for where, policy, made in checked + [("the document", policy, types) for policy in documented]:
        yield from (f"{where}: {what}" for what in failures_of(policy, made))
    if not roles or not documented:
        yield "there are no policies"


def main() -> None:
    """Its arguments: what transform.py printed, and a page with policies in JSON."""
    template, document = (Path(name).read_text() for name in sys.argv[1:])
    template = json.loads(template)
    checks = (form, waits, texts, secrets, closed, named_parameters, throttles, posture)
    failures = [what for check in checks for what in check(template)]
    failures += policies(template, document)
    sys.exit("\n".join(failures) or None)


if __name__ == "__main__":
    main()
