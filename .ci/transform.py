#!/usr/bin/env python3
"""Prints the CloudFormation that template.yaml becomes at AWS, for checks that know nothing of SAM."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"


class NoManagedPolicies:
    """What the names of AWS's own policies stand for. The template uses none, and asking needs an account."""

    def load(self) -> dict[str, str]:
        return {}


def main() -> int:
    template: dict[str, Any] = yaml_parse(Path(sys.argv[1] if len(sys.argv) > 1 else TEMPLATE).read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam deploy` puts here what it uploaded.
            resource["Properties"]["CodeUri"] = "s3://bucket/package.zip"
    # The transform asks for the region, whichever it is.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    print(json.dumps(transform(template, {}, NoManagedPolicies()), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
