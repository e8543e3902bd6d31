"""What CloudFormation makes of a template: the few of its functions that are used here, and no others."""

from __future__ import annotations

import re
from typing import Any

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "deckhand",
}


class NotKnown(Exception):
    """Something that this evaluator would have to guess."""


class _NoValue:
    """`AWS::NoValue`: what is so is left out."""


class Template:
    """A template with parameters, and with resources that exist already."""

    def __init__(self, template: dict[str, Any], parameters: dict[str, str], resources: dict[str, str]) -> None:
        """`resources` gives what `Ref` gives of a resource, by its logical name; `Name.Arn` what `Fn::GetAtt` does."""
        self.template, self.resources = template, resources
        declared = template["Parameters"]
        if unknown := parameters.keys() - declared.keys():
            raise NotKnown(f"the template has no parameters {sorted(unknown)}")
        defaults = {name: of["Default"] for name, of in declared.items() if "Default" in of}
        self.parameters = {**defaults, **parameters}

    def properties(self, name: str) -> dict[str, Any]:
        """The properties of a resource, as they are in the template."""
        return self.template["Resources"][name]["Properties"]

    def value(self, node: Any) -> Any:
        """What a part of the template comes to."""
        if isinstance(node, list):
            return [value for item in node if (value := self.value(item)) is not _NoValue]
        if not isinstance(node, dict):
            return node
        functions = [key for key in node if key in ("Ref", "Condition") or key.startswith("Fn::")]
        # A policy's statement has a key `Condition` too.
        if not functions or (functions == ["Condition"] and not isinstance(node["Condition"], str)):
            values = {key: self.value(value) for key, value in node.items()}
            return {key: value for key, value in values.items() if value is not _NoValue}
        if len(node) != 1:
            raise NotKnown(f"{node} is a function and something else")
        return self._call(functions[0], node[functions[0]])

    def _call(self, function: str, given: Any) -> Any:
        match function, given:
            case "Ref", str(name):
                return self._ref(name)
            case "Fn::Sub", str(text):
                return re.sub(r"\$\{([^}]*)\}", lambda found: str(self._named(found[1])), text)
            case "Fn::GetAtt", [str(resource), str(attribute)]:
                return self._named(f"{resource}.{attribute}")
            case "Fn::If", [str(condition), then, otherwise]:
                return self.value(then if self._condition(condition) else otherwise)
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
                return self._condition(name)
        raise NotKnown(f"{function} of {given}")

    def _condition(self, name: str) -> bool:
        return bool(self.value(self.template["Conditions"][name]))

    def _named(self, name: str) -> Any:
        """What is between the braces of `Fn::Sub`: a `Ref`, or with a dot an attribute."""
        if "." not in name:
            return self._ref(name)
        if name not in self.resources:
            raise NotKnown(f"the attribute {name!r}")
        return self.resources[name]

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NoValue
        for known in (PSEUDO, self.parameters, self.resources):
            if name in known:
                return known[name]
        raise NotKnown(f"the value of {name!r}: neither given nor by default")
