#!/usr/bin/env python3
"""Checks what no linter knows in the CloudFormation that transform.py prints.

Every parameter has its place in the form, each wait has a timeout that fits, texts in JSON are JSON, nothing is allowed
by a wildcard, and no secret is in the open."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

SECRETS = {"DISCORD_BOT_TOKEN", "GITHUB_TOKEN", "GITHUB_APP_PRIVATE_KEY"}
# Lambda's longest, and what Deckhand needs after a wait to say how things stand.
LONGEST_TIMEOUT = 900
AFTER_WAIT = 60


def form(template: dict[str, Any]) -> list[str]:
    parameters = template["Parameters"]
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    failures = [f"{name}: is not in one group of the form" for name in parameters if grouped.count(name) != 1]
    failures += [f"{name}: no such parameter" for name in grouped if name not in parameters]
    failures += [
        f"{name}: labelled or declared, but not both" for name in set(interface["ParameterLabels"]) ^ set(parameters)
    ]
    return failures + [f"{name}: is not described" for name, of in parameters.items() if not of.get("Description")]


def waits(template: dict[str, Any]) -> list[str]:
    offered = template["Parameters"]["WaitTimeoutSeconds"]["AllowedValues"]
    mapped = template["Mappings"]["WaitSeconds"]
    failures = [f"wait {wait}: offered and mapped differ" for wait in set(offered) ^ set(mapped)]
    for wait, of in mapped.items():
        timeout, slow = of["Timeout"], of["SlowMilliseconds"]
        if not int(wait) + AFTER_WAIT <= timeout <= LONGEST_TIMEOUT:
            failures.append(f"wait {wait}: a timeout of {timeout} s does not fit")
        if not int(wait) * 1000 < slow < timeout * 1000:
            failures.append(f"wait {wait}: {slow} ms is not between the wait and the timeout")
    return failures


def texts(resources: dict[str, Any]) -> list[str]:
    properties = {name: of["Properties"] for name, of in resources.items()}
    dashboard = properties["Dashboard"]["DashboardBody"]["Fn::Sub"]
    found = {
        "the dashboard": dashboard,
        "the schedule's input": properties["ScheduledDigest"]["Target"]["Input"],
        "the access log": properties["HttpApiApiGatewayDefaultStage"]["AccessLogSettings"]["Format"],
    }
    failures = []
    for what, text in found.items():
        try:
            json.loads(text)
        except ValueError as error:
            failures.append(f"{what}: {error}")
    known = {*resources, "AWS::Region"}
    failures += [f"the dashboard: no {name}" for name in re.findall(r"\$\{([^}]+)\}", dashboard) if name not in known]
    return failures


def wildcards(resources: dict[str, Any]) -> list[str]:
    failures = []
    for name, role in resources.items():
        if role["Type"] != "AWS::IAM::Role":
            continue
        if role["Properties"].get("ManagedPolicyArns"):
            failures.append(f"{name}: has a policy that is not written here")
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    if "*" in action:
                        failures.append(f"{name}: allows {action}")
                if statement["Resource"] == "*":
                    failures.append(f"{name}: allows {actions} on everything")
    return failures


def secrets(template: dict[str, Any]) -> list[str]:
    environment = template["Resources"]["DeckhandFunction"]["Properties"]["Environment"]["Variables"]
    failures = [f"{name} is a plain environment variable" for name in sorted(SECRETS & set(environment))]
    for name in sorted(SECRETS):
        if f"{name}_PARAMETER" not in environment:
            failures.append(f"{name}_PARAMETER is not set")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("template", type=Path, help="what transform.py printed")
    template = json.loads(parser.parse_args().template.read_text())
    resources = template["Resources"]
    failures = [*form(template), *waits(template), *texts(resources), *wildcards(resources), *secrets(template)]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
