"""What became of a deploy, judged by what its requester sees in Discord and by what GitHub ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

# How an outcome begins, and a word that it holds.
ENDS = {"success": ("🟢", "succeeded"), "failure": ("🔴", "failed"), "cancelled": ("⚪", "was cancelled")}
NOTHING = "⚠️"
LAMPS = (NOTHING, *(lamp for lamp, _ in ENDS.values()))

LOST = "outcome lost"
TWICE = "told twice"
DOUBLED = "dispatched twice"
WRONG = "wrong at the end"
# Allowed where the bot may not look whether it told already.
UNTOLD = "untold"


class Facts(NamedTuple):
    """All about a deploy that nobody can deny."""

    # Whether Discord took the answer to the command. If not, its user read that the application did not respond.
    answered: bool
    # Whether the bot may post in the channel and read there, so that it can tell exactly once.
    may_read: bool
    # The answer to the command, as it stands.
    message: dict[str, Any] | None
    # Other messages that notify the requester, of whomever.
    others: list[dict[str, Any]]
    dispatches: int
    # How the run that was dispatched ended.
    conclusion: str | None


def texts(part: Any) -> Iterator[str]:
    """All text of a message, also that of its components."""
    if isinstance(part, list):
        for item in part:
            yield from texts(item)
    elif isinstance(part, dict):
        if isinstance(part.get("content"), str):
            yield part["content"]
        for inside in ("components", "embeds"):
            yield from texts(part.get(inside))


def text(message: dict[str, Any]) -> str:
    return "\n".join(texts(message))


def shows(message: dict[str, Any], facts: Facts) -> bool:
    """Whether a message shows how the deploy ended, and no other end."""
    lamp, word = ENDS[facts.conclusion] if facts.conclusion else (NOTHING, "")
    said = text(message)
    return lamp in said and word in said and not any(other in said for other in LAMPS if other != lamp)


def told(facts: Facts) -> list[dict[str, Any]]:
    """The messages that tell the requester of an end, whichever."""
    return [message for message in facts.others if any(lamp in text(message) for lamp in LAMPS)]


def judge(facts: Facts) -> set[str]:
    """What is wrong with a deploy that came to rest."""
    found = set()
    if facts.dispatches > 1:
        found.add(DOUBLED)
    if not facts.answered:
        # Whoever reads that there was no response, types it again.
        return found | ({WRONG} if facts.dispatches else set())
    message, tellings = facts.message, told(facts)
    right = message is not None and not message["loading"] and shows(message, facts)
    if not right:
        found |= {LOST, WRONG}
    if facts.dispatches and not tellings:
        found.add(LOST if facts.may_read else UNTOLD)
    if len(tellings) > 1:
        found.add(TWICE)
    for telling in tellings:
        # Where it may not read, it cannot reply either.
        by_itself = facts.may_read and not telling["interaction_id"]
        replies = message is not None and telling.get("reply_to") == message["id"]
        if not shows(telling, facts) or (by_itself and not replies):
            found.add(WRONG)
    return found


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def end_of(run: dict[str, Any]) -> float:
    """When a run ends, by its own course or because it was cancelled."""
    parts = (run["timetable"][part] for part in ("queued", "running"))
    by_itself = seconds(run["created"]) + sum(part["secs"] + part["nanos"] / 1e9 for part in parts)
    return min(by_itself, seconds(run["cancelled"])) if run["cancelled"] else by_itself


def ending(run: dict[str, Any]) -> str:
    """How a run ends."""
    was_cancelled = run["cancelled"] and end_of(run) == seconds(run["cancelled"])
    return "cancelled" if was_cancelled else run["timetable"]["conclusion"]
