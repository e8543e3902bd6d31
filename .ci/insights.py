"""Evaluates the part of the CloudWatch Logs Insights language that docs/operations.md uses.

What it does not know is an error, never a guess, so that a query which passes here uses only documented
commands and functions, as
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html has them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Row = dict[str, Any]
Value = Callable[[Row], Any]

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\d+(?:ms|[smhdw])\b|\d+(?:\.\d+)?|[@\w]+(?:\.\w+)*|!=|<=|>=|[=<>(),*])')
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class NotKnown(Exception):
    """A query, or a part of it, that this does not know."""


def present(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def percentile(values: list[Any], percent: float) -> Any:
    known = sorted(present(values))
    return known[max(0, math.ceil(len(known) * percent / 100) - 1)] if known else None


class Command:
    """One command of a query: its words, read from the left."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, at = text, [], 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if found is None:
                raise NotKnown(f"{text[at:]!r} in {text!r}")
            self.tokens.append(found[1])
            at = found.end()

    def next(self) -> str:
        if not self.tokens:
            raise NotKnown(f"the end of {self.text!r}")
        return self.tokens.pop(0)

    def takes(self, *words: str) -> bool:
        if self.tokens and self.tokens[0] in words:
            self.tokens.pop(0)
            return True
        return False

    def must(self, word: str) -> None:
        if not self.takes(word):
            raise NotKnown(f"no {word!r} before {self.tokens} in {self.text!r}")

    def name(self) -> str:
        word = self.next()
        if not re.fullmatch(r"[@A-Za-z_][\w.]*", word):
            raise NotKnown(f"{word!r} is no name, in {self.text!r}")
        return word

    def listed(self, item: Callable[[], Any]) -> list[Any]:
        items = [item()]
        while self.takes(","):
            items.append(item())
        return items

    def value(self) -> tuple[str, Value]:
        """A literal, a field or a call: what it is called without an alias, and how to get it."""
        word = self.next()
        if word.startswith('"'):
            return word, lambda _, text=word[1:-1]: text
        if re.fullmatch(r"\d+(\.\d+)?", word):
            return word, lambda _, number=float(word): number
        if not self.takes("("):
            self.tokens.insert(0, word)
            name = self.name()
            return name, lambda row: row.get(name)
        call = {"ispresent": self.ispresent, "strcontains": self.strcontains, "bin": self.bin}.get(word)
        if call is None:
            raise NotKnown(f"the function {word} in {self.text!r}")
        value = call()
        self.must(")")
        return f"{word}(...)", value

    def ispresent(self) -> Value:
        name = self.name()
        return lambda row: row.get(name) is not None

    def strcontains(self) -> Value:
        _, text = self.value()
        self.must(",")
        _, part = self.value()
        return lambda row: int(str(part(row)) in str(text(row) or ""))

    def bin(self) -> Value:
        period = self.next()
        if period[-1] not in SECONDS or not period[:-1].isdigit():
            raise NotKnown(f"the period {period} in {self.text!r}")
        seconds = int(period[:-1]) * SECONDS[period[-1]]
        return lambda row: row["@timestamp"] // seconds * seconds

    def condition(self) -> Value:
        either = [self.every()]
        while self.takes("or"):
            either.append(self.every())
        return lambda row: any(one(row) for one in either)

    def every(self) -> Value:
        every = [self.comparison()]
        while self.takes("and"):
            every.append(self.comparison())
        return lambda row: all(one(row) for one in every)

    def comparison(self) -> Value:
        if self.takes("not"):
            inner = self.comparison()
            return lambda row: not inner(row)
        if self.takes("("):
            inner = self.condition()
            self.must(")")
            return inner
        _, left = self.value()
        if not self.tokens or self.tokens[0] not in COMPARISONS:
            return left
        holds = COMPARISONS[self.next()]
        _, right = self.value()
        return lambda row: left(row) is not None and holds(left(row), right(row))

    def aliased(self) -> tuple[str, Value]:
        name, value = self.value()
        return (self.name() if self.takes("as") else name), value

    def aggregate(self) -> tuple[str, Callable[[list[Row]], Any]]:
        function = self.name()
        self.must("(")
        if function == "count" and self.takes("*"):
            compute: Callable[[list[Row]], Any] = len
        else:
            field = self.name()
            functions: dict[str, Callable[[list[Any]], Any]] = {
                "count": lambda values: len(present(values)),
                "sum": lambda values: sum(present(values)),
                "min": lambda values: min(present(values), default=None),
                "max": lambda values: max(present(values), default=None),
            }
            if function == "pct":
                self.must(",")
                percent = float(self.next())
                functions["pct"] = lambda values: percentile(values, percent)
            if function not in functions:
                raise NotKnown(f"the function {function} in {self.text!r}")

            def compute(rows: list[Row]) -> Any:
                return functions[function]([row.get(field) for row in rows])

        self.must(")")
        self.must("as")
        return self.name(), compute

    def order(self) -> tuple[str, bool]:
        name = self.name()
        if not self.tokens or self.tokens[0] == ",":
            raise NotKnown(f"sort says neither asc nor desc in {self.text!r}")
        descending = self.takes("desc")
        if not descending:
            self.must("asc")
        return name, descending

    def ends(self) -> None:
        if self.tokens:
            raise NotKnown(f"{self.tokens} at the end of {self.text!r}")


def evaluate(query: str, lines: list[dict[str, Any]]) -> list[Row]:
    """The rows that come out of a query over these lines of JSON."""
    rows: list[Row] = []
    for line in lines:
        when = datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00"))
        rows.append({**line, "@timestamp": when.timestamp()})
    shown: list[str] | None = None
    for text in query.strip().split("|"):
        command = Command(text.strip())
        match command.name():
            case "fields":
                fields = command.listed(command.aliased)
                shown = [*(shown or []), *(name for name, _ in fields)]
                rows = [{**row, **{name: value(row) for name, value in fields}} for row in rows]
            case "filter":
                holds = command.condition()
                rows = [row for row in rows if holds(row)]
            case "stats":
                aggregates = command.listed(command.aggregate)
                keys = command.listed(command.aliased) if command.takes("by") else []
                groups: dict[tuple[Any, ...], list[Row]] = {}
                for row in rows:
                    groups.setdefault(tuple(value(row) for _, value in keys), []).append(row)
                names = [name for name, _ in keys]
                rows = [
                    {**dict(zip(names, key, strict=True)), **{name: compute(group) for name, compute in aggregates}}
                    for key, group in groups.items()
                ]
                shown = [*names, *(name for name, _ in aggregates)]
            case "sort":
                for name, descending in reversed(command.listed(command.order)):
                    if not any(name in row for row in rows) and rows:
                        raise NotKnown(f"nothing has a field {name} to sort by")
                    rows.sort(key=lambda row: (row.get(name) is not None, row.get(name) or 0), reverse=descending)
            case "limit":
                rows = rows[: int(command.next())]
            case other:
                raise NotKnown(f"the command {other}")
        command.ends()
    if shown is None:
        return rows
    return [{name: row[name] for name in shown if row.get(name) is not None} for row in rows]
