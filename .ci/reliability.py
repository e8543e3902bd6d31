#!/usr/bin/env python3
"""Kills the bot again and again, and counts the deploys of which something is wrong in the end.

Each kill is a SIGKILL of the real binary: at random moments, and at each request of a deploy, before it is passed on
and after, when its answer is withheld. The bot runs as a Lambda function with a table and as a server with its file,
with more rights in Discord and with fewer, with and without webhooks. What counts is what a user sees in the stand-in
of Discord once all has come to rest.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import concurrent.futures
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import boto3
from cloudformation import REGION, Template
from measure import measure
from verdict import DOUBLED, LOST, TWICE, UNTOLD, WRONG, judge, text
from worlds import CANDIDATES, RIGHTS, Deploy, Mode, Point, Settings, World

HOSTS = ("lambda", "serve")
# A lease lasts 60 s. What is told twice would be told then.
LEASE = 70
# A search for a run that never was is given up after ten minutes, and that is told by a sweep.
SEARCH = 720
# Deploys at once, kills among them, and presses of buttons on each.
AT_ONCE, KILLS_AMONG, CLICKS_AMONG = 4, 3, 2
# How often a kill that did not come to be is tried again.
MISSED = 10
CONCLUSIONS = ("success", "failure", "cancelled")


class Kills:
    """All worlds, and how often the bot is still to be killed in them."""

    def __init__(self, given: argparse.Namespace, settings: Settings) -> None:
        self.given, self.settings = given, settings
        self.rng = random.Random(given.seed)
        hosts = HOSTS if given.host == "both" else (given.host,)
        self.modes = [Mode(*parts) for parts in itertools.product(hosts, RIGHTS, (True, False))]
        self.each = -(-given.kills // len(self.modes))
        self.worlds: list[World] = []
        self.points: dict[Mode, list[Point]] = {}
        self.planned: collections.Counter[Mode] = collections.Counter()
        self.began = time.monotonic()

    def says(self, what: str) -> None:
        print(f"  {time.monotonic() - self.began:5.0f} s  {what}", flush=True)

    def world(self, mode: Mode) -> World:
        world = World(len(self.worlds), mode, self.settings, random.Random(self.rng.random()))
        self.worlds.append(world)
        return world

    async def run(self) -> int:
        count = max(1, self.given.worlds // len(self.modes))
        worlds = [self.world(mode) for _ in range(count) for mode in self.modes]
        try:
            for some in batches(worlds, 8):
                await asyncio.gather(*(world.start() for world in some))
            rehearsals = [self.rehearse(world) for world in worlds[: len(self.modes)]]
            for mode, points in zip(self.modes, await asyncio.gather(*rehearsals), strict=True):
                self.points[mode] = points
            self.share_out()
            self.says(f"{len(worlds)} worlds; {self.given.kills} kills; seed {self.given.seed}")
            await asyncio.gather(*(self.work(world) for world in worlds))
            await self.rest()
        finally:
            ends = await asyncio.gather(*(world.stop() for world in worlds), return_exceptions=True)
        if broken := [end for end in ends if end]:
            raise ExceptionGroup("the worlds themselves", broken)
        return self.report()

    # ---- where to kill

    async def rehearse(self, world: World) -> list[Point]:
        """A deploy that nobody kills: which requests it makes."""
        world.asked.clear()
        await world.pace("success", 0.5, 2)
        deploy = await world.types()
        await world.until(lambda: time.time() > deploy.at + 4, 5)
        asked = collections.Counter(what for what in world.asked if what != CANDIDATES)
        points = []
        for what, times in asked.items():
            # Of the many looks at a run the first, one between and the last.
            for nth in sorted({1, (times + 1) // 2, times}):
                points += [Point(what, nth, before) for before in (True, False)]
        return points

    def share_out(self) -> None:
        """Half of the kills at requests, those that were killed at least often first; the other half at random."""
        seen: collections.Counter[tuple[str, str, bool]] = collections.Counter()
        self.due: dict[Mode, list[Point]] = {mode: [] for mode in self.modes}
        left = {mode: [*points] for mode, points in self.points.items()}
        for _, mode in itertools.product(range(self.each - self.each // 2), self.modes):
            left[mode] = left[mode] or [*self.points[mode]]
            rare = min(left[mode], key=lambda point: (seen[mode.host, point.what, point.before], self.rng.random()))
            seen[mode.host, rare.what, rare.before] += 1
            left[mode].remove(rare)
            self.due[mode].append(rare)
        for points in self.due.values():
            # What must be searched for takes longest to come to rest.
            points.sort(key=lambda point: not (point.before and "dispatches" in point.what))

    # ---- killing

    def killed(self, mode: Mode) -> int:
        return sum(len(world.kills) for world in self.worlds if world.mode == mode)

    async def work(self, world: World) -> None:
        """Until the bot was killed often enough in worlds like this."""
        mode = world.mode
        while self.due[mode]:
            self.planned[mode] += 1
            await self.at_request(world, self.due[mode].pop(0))
        while (left := self.each - self.planned[mode]) > 0:
            times = min(KILLS_AMONG, left)
            self.planned[mode] += times
            await self.at_random(world, times)
        # A point may not have come.
        for _ in range(MISSED):
            if self.killed(mode) < self.each:
                await self.at_random(world, 1)
        self.says(f"{world.name} is done: {len(world.kills)} kills, {len(world.deploys)} deploys ({world.mode})")

    async def pace(self, world: World) -> float:
        """How the next runs go; how long they take."""
        queued, running = world.rng.uniform(0.2, 1), world.rng.uniform(0.8, 7)
        await world.pace(world.rng.choice(CONCLUSIONS), queued, running)
        return queued + running

    async def at_request(self, world: World, point: Point) -> None:
        await world.host.up.wait()
        lasts, kills = await self.pace(world), len(world.kills)
        world.at(point)
        deploy = await world.types()
        await world.until(lambda: len(world.kills) > kills, lasts + 5)
        world.at(None)
        await world.rests([deploy], self.given.patience)

    async def at_random(self, world: World, times: int) -> None:
        """Several deploys at once, and a kill now and then."""
        lasts = await self.pace(world)
        first = len(world.deploys)

        async def somebody() -> None:
            await asyncio.sleep(world.rng.uniform(0, 2))
            deploy = await world.types()
            for label in world.rng.choices(("Refresh", "Cancel"), (3, 1), k=CLICKS_AMONG):
                await asyncio.sleep(world.rng.uniform(0, lasts / CLICKS_AMONG))
                await world.presses(deploy, label)

        async def kills() -> None:
            for _ in range(times):
                await asyncio.sleep(world.rng.uniform(0, lasts))
                await world.until(world.kill_any, lasts, 0.01)

        await asyncio.gather(kills(), *(somebody() for _ in range(AT_ONCE)))
        await world.rests(world.deploys[first:], self.given.patience)

    async def rest(self) -> None:
        """Until nothing can happen any more: searches were given up, leases have lapsed."""
        deploys = [deploy for world in self.worlds for deploy in world.deploys]

        def waits(deploy: Deploy) -> bool:
            searched = deploy.facts and not deploy.facts.dispatches
            patience = SEARCH if searched and self.given.patience > LEASE else self.given.patience
            return deploy.settled is None and time.time() < deploy.at + patience

        said = 0
        while waiting := sum(map(waits, deploys)):
            if waiting != said:
                self.says(f"{waiting} deploys have not come to rest")
            said = waiting
            await asyncio.sleep(5)
            await asyncio.gather(*(world.look() for world in self.worlds))
        await asyncio.sleep(LEASE if self.given.patience > LEASE else 0)
        await asyncio.gather(*(world.look(all_of_them=True) for world in self.worlds))

    # ---- what came of it

    def report(self) -> int:
        counted = (LOST, TWICE, DOUBLED, WRONG)
        print(f"\n| where | kills | deploys | {' | '.join(counted)} | {UNTOLD} (allowed) |")
        print("|---|---|---|---|---|---|---|---|")
        total: collections.Counter[str] = collections.Counter()
        for mode in self.modes:
            row: collections.Counter[str] = collections.Counter(kills=self.killed(mode))
            for _, deploy in self.deploys(mode):
                row["deploys"] += 1
                row.update(self.faults(deploy))
            total += row
            print_row(str(mode), row, counted)
        print_row("all", total, counted)
        causes = collections.Counter(
            f"{world.mode.host}: {cause}" for world in self.worlds for *_, cause in world.kills
        )
        print("\n| killed while it worked at | kills |\n|---|---|")
        for cause, times in sorted(causes.items()):
            print(f"| {cause} | {times} |")
        print("\n| killed at | before it was passed on | before its answer was |\n|---|---|---|")
        sides = collections.Counter(
            (f"{world.mode.host}: {what}", side) for world in self.worlds for what, side, _ in world.kills
        )
        for what in sorted({what for what, _ in sides}):
            if moments := sides[what, ""]:
                print(f"| {what} | {moments} | |")
            else:
                print(f"| {what} | {sides[what, 'before']} | {sides[what, 'after']} |")
        for mode in self.modes:
            for world, deploy in self.deploys(mode):
                if faults := self.faults(deploy) - {UNTOLD}:
                    self.complain(world, deploy, faults)
        right = not any(total[fault] for fault in counted) and total["kills"] >= self.given.kills
        print(f"\n{total['kills']} kills, seed {self.given.seed}: {'nothing is wrong' if right else 'WRONG'}")
        return 0 if right else 1

    def deploys(self, mode: Mode) -> Iterable[tuple[World, Deploy]]:
        return ((world, deploy) for world in self.worlds if world.mode == mode for deploy in world.deploys)

    def faults(self, deploy: Deploy) -> set[str]:
        return judge(deploy.facts) if deploy.facts else {WRONG}

    def complain(self, world: World, deploy: Deploy, faults: set[str]) -> None:
        facts = deploy.facts
        print(f"\nWRONG  {', '.join(sorted(faults))}: {world.mode}; {deploy.interaction_id} in {world.name}.log")
        print(f"       killed {'; '.join(deploy.kills) or 'never'}")
        if facts:
            shown = text(facts.message) if facts.message else "no message"
            print(f"       answered: {facts.answered}, dispatches: {facts.dispatches}, ended: {facts.conclusion}")
            print(f"       shown: {shown or 'thinking'!r}\n       told: {[text(other) for other in facts.others]}")


def print_row(name: str, row: collections.Counter[str], counted: Iterable[str]) -> None:
    cells = [row[column] for column in ("kills", "deploys", *counted, UNTOLD)]
    print(f"| {name} | {' | '.join(map(str, cells))} |")


def batches(worlds: list[World], size: int) -> Iterable[list[World]]:
    return (worlds[at : at + size] for at in range(0, len(worlds), size))


def read() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--deckhand", "--standins", "--template"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--aws", required=True, help="where a stand-in of AWS listens")
    add = parser.add_argument
    add("--kills", type=int, default=200, help="how often, in all (%(default)s)")
    add("--host", choices=(*HOSTS, "both"), default="both", help="where the bot runs (%(default)s)")
    add("--seed", type=int, default=random.randrange(10**6), help="the same seed chooses the same points")
    add("--worlds", type=int, default=24, help="so many bots at once (%(default)s)")
    add("--patience", type=float, default=150, metavar="SECONDS", help="for a deploy to come to rest (%(default)s)")
    add("--logs", type=Path, metavar="FOLDER", help="where the bots' logs are kept")
    add("--measure", action="store_true", help="kill nothing; measure what a deploy costs and how fast it is told")
    add("--run", type=float, default=20, metavar="SECONDS", help="with --measure: how long a run takes (%(default)s)")
    add("--waits", type=int, default=50, help="with --measure: so many deploys at once (%(default)s)")
    add("--clicks", type=int, default=40, help="with --measure: so many clicks, cold and warm (%(default)s)")
    return parser.parse_args()


async def main() -> int:
    given = read()
    asyncio.get_running_loop().set_default_executor(concurrent.futures.ThreadPoolExecutor(64))
    commands = subprocess.run([given.deckhand.resolve(), "commands"], env={}, capture_output=True, check=True)
    stack = Template(json.loads(given.template.read_text()), {}, {})
    own = stack.properties("DeckhandFunction")
    session = boto3.Session("check", "check", region_name=REGION)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            deckhand=given.deckhand.resolve(),
            standins=given.standins,
            commands=json.loads(commands.stdout),
            table=stack.value(stack.properties("Table")),
            function={name: stack.value(own[name]) for name in ("Timeout", "MemorySize")},
            dynamodb=session.client("dynamodb", endpoint_url=given.aws),
            aws=given.aws,
            folder=given.logs or Path(folder),
            poll=0.2,
            wait=None,
            sweep=1,
        )
        settings.folder.mkdir(parents=True, exist_ok=True)
        if given.measure:
            return await measure(given, settings)
        return await Kills(given, settings).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
