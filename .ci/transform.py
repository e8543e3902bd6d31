#!/usr/bin/env python3
"""Prints the CloudFormation that template.yaml becomes at AWS, for checks that know nothing of SAM."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

template = yaml_parse((Path(__file__).resolve().parent.parent / "template.yaml").read_text())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        # `sam deploy` puts here what it uploaded.
        resource["Properties"]["CodeUri"] = "s3://bucket/package.zip"
# The transform asks for the region, whichever it is.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
# The template uses none of AWS's managed policies, and asking for their names needs an account.
print(json.dumps(transform(template, {}, SimpleNamespace(load=dict)), indent=2))
