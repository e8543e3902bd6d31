"""What a deploy costs, and how fast its outcome is told."""

from __future__ import annotations

import argparse
import asyncio
import collections
import functools
import itertools
import random
import statistics
import time
from collections.abc import Callable

from verdict import judge
from worlds import CANDIDATES, READS, Deploy, Function, Mode, Settings, World

JOBS = 3
QUEUED = 1
# As on AWS. Where it is the sweep that tells, it comes more often, so that measuring takes less time.
SWEEP, OFTEN = 60, 10
# By default.
POLL, WAIT = 3, 180
# Of one world, so that they end at about the same time.
FAILURES = 10
# Over so many seconds the deploys that run at once are typed.
SPREAD = 10
READING = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
WRITING = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")


class Measure:
    def __init__(self, given: argparse.Namespace, settings: Settings) -> None:
        self.given = given
        self.settings = settings._replace(poll=POLL, wait=WAIT, sweep=SWEEP, latency_ms=0)
        self.numbers = itertools.count()
        self.wrong: list[str] = []

    async def within(self, mode: Mode, work: Callable[[World], object], **settings: float) -> None:
        world = World(next(self.numbers), mode, self.settings._replace(**settings), random.Random(1))
        try:
            await world.start()
            await work(world)
            for deploy in world.deploys:
                if not deploy.facts or (faults := judge(deploy.facts)):
                    self.wrong.append(f"{mode}: {deploy.interaction_id}: {faults}")
        finally:
            await world.stop()

    async def run(self) -> int:
        columns = ("billed", "invocations", "sweeps", "GitHub calls that count", "all", "DynamoDB reads", "writes")
        head(f"one deploy, {self.given.run:g} s, {JOBS} jobs", *columns)
        for hooks in (True, False):
            await self.within(Mode("lambda", READS, hooks), self.one)
        columns = ("environments held", "from the run's end to the outcome: p50", "p95", "most")
        head(f"{self.given.waits} deploys at once", *columns)
        for mode in (Mode(host, READS, hooks) for host in ("lambda", "serve") for hooks in (True, False)):
            await self.within(mode, self.many)
        await self.within(Mode("lambda", READS, False), self.swept, wait=1, sweep=OFTEN)
        head(f"{FAILURES} deploys that fail", "from the run's end to why it failed: p50", "p95", "most")
        for hooks in (True, False):
            await self.within(Mode("lambda", READS, hooks), self.failures)
        head(f"{self.given.clicks} clicks on a card", "from the click to its answer: p50", "p95", "most")
        for cold in (True, False):
            await self.within(Mode("lambda", READS, True), functools.partial(self.clicks, cold=cold))
        for what in self.wrong:
            print(f"WRONG  {what}")
        return 1 if self.wrong else 0

    async def ended(self, world: World, deploys: list[Deploy]) -> None:
        """Until all was told, and what is done after that is done too."""
        await world.rests(deploys, self.given.run + self.given.patience)
        await asyncio.sleep(3)

    async def one(self, world: World) -> None:
        """A deploy by itself, from a cold start."""
        world.asked.clear()
        assert isinstance(world.host, Function)
        core = world.host.core
        before, requests = len(core.records), len(await world.call("GET", "/github/requests"))
        await world.pace("success", QUEUED, self.given.run - QUEUED, JOBS)
        await self.ended(world, [await world.types()])
        asked = collections.Counter(what for what in world.asked if what != CANDIDATES)
        calls = (await world.call("GET", "/github/requests"))[requests:]
        records = core.records[before:]
        own = [record for record in records if record["kind"] != "sweep"]
        numbers = (
            f"{sum(record['billed_ms'] or 0 for record in own) / 1000:.2f} s",
            len(own),
            len(records) - len(own),
            sum(call["counted"] for call in calls),
            len(calls),
            *(sum(asked[f"DynamoDB {name}"] for name in names) for names in (READING, WRITING)),
        )
        print(f"| {world.mode} | {' | '.join(map(str, numbers))} |", flush=True)

    async def several(self, world: World, lasts: float) -> list[Deploy]:
        """Deploys that are typed one after another, and all run at the same time."""
        await world.pace("success", QUEUED, lasts - QUEUED, JOBS)
        typing = []
        for _ in range(self.given.waits):
            typing.append(asyncio.create_task(world.types()))
            await asyncio.sleep(SPREAD / self.given.waits)
        return list(await asyncio.gather(*typing))

    async def many(self, world: World) -> None:
        lasts = max(self.given.run, SPREAD + 10)
        deploys = await self.several(world, lasts)
        held = []
        # All are known by now, and none has ended.
        until = deploys[0].at + lasts - 2
        await asyncio.sleep(3)
        while time.time() < until:
            held.append(len(world.host.at_work()))
            await asyncio.sleep(0.1)
        await self.ended(world, deploys)
        shown = f"{statistics.median(held):g}, at most {max(held)}" if world.mode.host == "lambda" else ""
        self.latencies(str(world.mode), shown, deploys)

    async def swept(self, world: World) -> None:
        """The wait is over before the runs are, so that only the sweep can tell."""
        deploys = await self.several(world, SPREAD + 10)
        await self.ended(world, deploys)
        self.latencies(f"lambda, the sweep, every {OFTEN} s here", "", deploys)

    async def failures(self, world: World) -> None:
        await world.pace("failure", QUEUED, SPREAD)
        deploys = [await world.types() for _ in range(FAILURES)]
        await self.ended(world, deploys)
        # The stand-in of GitHub is late with logs, as GitHub is.
        await asyncio.sleep(3)
        await world.look(all_of_them=True)
        took = [
            deploy.explained_at - deploy.run_ended for deploy in deploys if deploy.explained_at and deploy.run_ended
        ]
        print(f"| {world.mode} | {ranks(took)} |" if len(took) == FAILURES else f"| {world.mode} | not told | | |")

    async def clicks(self, world: World, *, cold: bool) -> None:
        """*Refresh* on the card of a deploy under way, each to a new process or all to one; in the end *Cancel*."""
        assert isinstance(world.host, Function)
        await world.pace("success", QUEUED, 600, JOBS)
        deploy = await world.types()
        [card] = await world.call("GET", f"/messages?interaction_id={deploy.interaction_id}")
        press = {"message_id": card["id"], "endpoint": f"{world.host.url}/discord", "user": "ada"}
        took = []
        for label in ["Refresh"] * (self.given.clicks - 1) + ["Cancel"]:
            await world.host.core.wait_idle(30)
            if cold:
                await world.host.core.spindown()
            pressed = await world.call("POST", "/click", {**press, "label": label})
            took.append(pressed["elapsed_ms"] / 1000)
            if pressed["wrong"]:
                self.wrong.append(f"{label}: {pressed}")
        await self.ended(world, [deploy])
        print(f"| {'cold start' if cold else 'warm'} | {ranks(took)} |", flush=True)

    def latencies(self, name: str, held: str, deploys: list[Deploy]) -> None:
        late = [deploy.told_at - deploy.run_ended for deploy in deploys if deploy.told_at and deploy.run_ended]
        print(f"| {name} | {held} | {ranks(late) if len(late) > 1 else 'not told | |'} |", flush=True)


def ranks(times: list[float]) -> str:
    """Of times in seconds the median, the 95th percentile and the longest."""
    parts = statistics.quantiles(times, n=20, method="inclusive")
    return " | ".join(f"{1000 * seconds:.0f} ms" for seconds in (parts[9], parts[18], max(times)))


def head(*columns: str) -> None:
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


async def measure(given: argparse.Namespace, settings: Settings) -> int:
    """Prints the tables; the exit status is 1 if a deploy went wrong."""
    return await Measure(given, settings).run()
