"""What CloudFormation makes of a template: the few of its functions that are used here, and no others."""

from __future__ import annotations

import re
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
PSEUDO = {"AccountId": ACCOUNT, "Partition": "aws", "Region": REGION, "StackName": "deckhand"}
# `AWS::NoValue`: what is so is left out.
NO_VALUE = object()


def some(value: Any) -> list[Any]:
    """A value or several, as several."""
    return value if isinstance(value, list) else [value]


class Template:
    """A template with parameters, and with resources that exist already."""

    def __init__(self, template: dict[str, Any], parameters: dict[str, str], resources: dict[str, str]) -> None:
        """`resources` gives what `Ref` gives of a resource, by its logical name; `Name.Arn` what `Fn::GetAtt` does."""
        declared = template["Parameters"]
        if unknown := parameters.keys() - declared.keys():
            raise LookupError(f"the template has no parameters {sorted(unknown)}")
        defaults = {name: of["Default"] for name, of in declared.items() if "Default" in of}
        self.template = template
        pseudo = {f"AWS::{name}": value for name, value in {**PSEUDO, "NoValue": NO_VALUE}.items()}
        self.named = {**pseudo, **resources, **defaults, **parameters}

    def properties(self, name: str) -> dict[str, Any]:
        """The properties of a resource, as they are in the template."""
        return self.template["Resources"][name]["Properties"]

    def value(self, node: Any) -> Any:
        """What a part of the template comes to."""
        if isinstance(node, list):
            return [value for item in node if (value := self.value(item)) is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        functions = [key for key in node if key in ("Ref", "Condition") or key.startswith("Fn::")]
        # A policy's statement has a key `Condition` too.
        if not functions or (functions == ["Condition"] and not isinstance(node["Condition"], str)):
            values = {key: self.value(value) for key, value in node.items()}
            return {key: value for key, value in values.items() if value is not NO_VALUE}
        [(function, given)] = node.items()
        return self.call(function, given)

    def call(self, function: str, given: Any) -> Any:
        match function, given:
            case "Ref", str(name):
                return self.named[name]
            case "Fn::Sub", str(text):
                return re.sub(r"\$\{([^}]*)\}", lambda found: str(self.named[found[1]]), text)
            case "Fn::GetAtt", [str(resource), str(attribute)]:
                return self.named[f"{resource}.{attribute}"]
            case "Fn::If", [str(condition), then, otherwise]:
                return self.value(then if self.call("Condition", condition) else otherwise)
            case "Fn::FindInMap", [str(mapping), first, second]:
                return self.template["Mappings"][mapping][self.value(first)][self.value(second)]
            case "Fn::Equals", [one, other]:
                return self.value(one) == self.value(other)
            case "Fn::Not", [one]:
                return not self.value(one)
            case "Fn::And", [*all_of]:
                return all(self.value(one) for one in all_of)
            case "Fn::Or", [*any_of]:
                return any(self.value(one) for one in any_of)
            case "Condition", str(name):
                return bool(self.value(self.template["Conditions"][name]))
        raise LookupError(f"{function} of {given} is not known here")
