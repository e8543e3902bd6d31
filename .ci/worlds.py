"""Worlds in which the bot can be killed: stand-ins, the bot as a function or as a server, and addresses between."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import random
import secrets
import signal
import socket
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from function import make_table
from lambda_emulator import Core
from passage import Asked, Passage, owner
from verdict import Facts, end_of, ending, judge, seconds, told

from standins import StandIns

# What the bot may: post and read by its token, post but not read the channel's history, or neither.
READS, POSTS, NEITHER = RIGHTS = ("bot token", "no history", "no bot token")
REPOSITORY = "octo-org/web-client"
WEBHOOK_SECRET = "the secret of the hook"
# The look of the sweep at what is due.
CANDIDATES = "DynamoDB Query"


@dataclass(frozen=True)
class Mode:
    """What a world differs in."""

    host: str
    rights: str
    hooks: bool

    def __str__(self) -> str:
        return f"{self.host}, {self.rights}, {'webhooks' if self.hooks else 'polling'}"


# The message is on screen before the dispatch.
BEGUN_WITHIN = 10


class Point(NamedTuple):
    """A moment at which the bot is killed: at the so-manieth request of a kind, before it is passed on or after."""

    what: str
    nth: int
    before: bool

    def __str__(self) -> str:
        return f"{'before' if self.before else 'after'} {self.what} ({self.nth})"


@dataclass
class Deploy:
    """One `/deploy-client wait:true`, each by a user of its own."""

    user: str
    user_id: str
    interaction_id: str
    answered: bool
    at: float
    # How often the bot was killed while it was under way.
    kills: list[str] = field(default_factory=list)
    facts: Facts | None = None
    # Since when there is nothing wrong with it.
    settled: float | None = None
    run_ended: float | None = None
    told_at: float | None = None
    explained_at: float | None = None


class Settings(NamedTuple):
    """What holds for all worlds."""

    deckhand: Path
    standins: Path
    commands: list[Any]
    # The table and the function of the template.
    table: dict[str, Any]
    function: dict[str, Any]
    dynamodb: Any
    aws: str
    folder: Path
    poll: float
    # None: it differs from world to world.
    wait: float | None
    sweep: float
    # How long a delivery of the webhook takes.
    latency_ms: int = 100


class Function:
    """The bot as a Lambda function, with a table of its own."""

    def __init__(self, given: Settings, env: dict[str, str], log: Path) -> None:
        own = given.function
        self.core = Core(
            str(given.deckhand), env=env, log=str(log), timeout=float(own["Timeout"]), memory=float(own["MemorySize"]),
            max_concurrency=1000, async_retry_delays=(),
        )  # fmt: skip
        self.every = given.sweep
        self.sweeping: asyncio.Task[None] | None = None
        self.up = asyncio.Event()

    async def start(self) -> None:
        await self.core.start()
        self.url = f"http://127.0.0.1:{self.core.port}"
        self.sweeping = asyncio.create_task(self.sweep())
        self.up.set()

    async def sweep(self) -> None:
        """As a schedule does: never again because it failed."""
        while True:
            await asyncio.sleep(self.every)
            await self.core.call(json.dumps({"task": "sweep"}).encode(), "sweep")

    def at_work(self) -> list[int]:
        return [env.rec["pid"] for env in self.core.envs if env.phase == "busy"]

    def cause(self, pid: int) -> str:
        """Which event a process works at."""
        for env in self.core.envs:
            if env.rec["pid"] == pid and env.inv:
                event = json.loads(env.inv.event)
                return str(event.get("rawPath", "sweep")).rpartition("/")[2]
        return "none"

    def killed(self) -> None:
        """The emulator starts another process for the next event."""

    async def stop(self) -> None:
        await self.core.stop()
        if self.sweeping and self.sweeping.done():
            self.sweeping.result()  # what ended it
        elif self.sweeping:
            self.sweeping.cancel()


class Server:
    """The bot as `deckhand serve`, with a file of its own."""

    def __init__(self, given: Settings, env: dict[str, str], log: Path) -> None:
        self.deckhand, self.env, self.log = given.deckhand, env, log
        self.up = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.reviving: asyncio.Task[None] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.deckhand, "serve", "--listen", f"127.0.0.1:{self.port}", env=self.env, stdout=log, stderr=log
            )
        for _ in range(600):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                self.up.set()
                return
            if self.process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise RuntimeError(f"the server does not start: {self.log}:\n{self.log.read_text()[-2000:]}")

    def at_work(self) -> list[int]:
        running = self.process and self.process.returncode is None and self.up.is_set()
        return [self.process.pid] if running and self.process else []

    def cause(self, _: int) -> str:
        return "anything"

    def killed(self) -> None:
        """It is started again on the same port and file."""
        self.up.clear()
        self.reviving = asyncio.create_task(self.revive())

    async def revive(self) -> None:
        assert self.process
        await self.process.wait()
        await self.start()

    async def stop(self) -> None:
        if self.reviving:
            await self.reviving
        self.up.clear()
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


class World:
    """One bot between stand-ins of its own."""

    def __init__(self, number: int, mode: Mode, given: Settings, rng: random.Random) -> None:
        self.name, self.mode, self.given, self.rng = f"w{number}", mode, given, rng
        self.standins = StandIns(given.standins)
        self.deploys: list[Deploy] = []
        # Every kill: at which request and side, by which cause.
        self.kills: list[tuple[str, str, str]] = []
        self.asked: list[str] = []
        self.point: Point | None = None
        self.count: collections.Counter[str] = collections.Counter()
        self.marked: Asked | None = None
        self.started = contextlib.AsyncExitStack()

    async def start(self) -> None:
        await asyncio.to_thread(self.started.enter_context, self.standins)
        about = self.standins.about
        await self.call("PUT", "/commands", self.given.commands)
        between = {}
        for service, behind in (
            ("GitHub", about["github"]),
            ("Discord", about["discord"]),
            ("DynamoDB", self.given.aws),
        ):
            passage = between[service] = Passage(service, behind, self.watch)
            await passage.start()
            self.started.push_async_callback(passage.stop)
        wait = self.given.wait or self.rng.choice((3, 5, 10))
        env = {
            "DISCORD_PUBLIC_KEY": about["public_key"],
            "DISCORD_APPLICATION_ID": about["application_id"],
            "DISCORD_API_BASE": between["Discord"].url,
            "GITHUB_API_BASE": between["GitHub"].url,
            "GITHUB_TOKEN": about["github_token"],
            "GITHUB_REPO": REPOSITORY,
            "ALLOWED_GUILD_IDS": about["guild_id"],
            "POLL_INTERVAL_SECONDS": str(self.given.poll),
            "WAIT_TIMEOUT_SECONDS": str(wait),
            "LOG_LEVEL": "debug",
        }
        if self.mode.rights == POSTS:
            await self.call("PUT", "/channel", {"history": False})
        if self.mode.rights != NEITHER:
            env["DISCORD_BOT_TOKEN"] = about["bot_token"]
        if self.mode.hooks:
            env["GITHUB_WEBHOOK_SECRET"] = WEBHOOK_SECRET
        log = self.given.folder / f"{self.name}.log"
        self.host: Function | Server
        if self.mode.host == "lambda":
            table = f"deckhand-{self.name}-{secrets.token_hex(4)}"
            await asyncio.to_thread(make_table, self.given.dynamodb, self.given.table, table)
            env |= {"TABLE_NAME": table, "AWS_ENDPOINT_URL": between["DynamoDB"].url}
            self.host = Function(self.given, env, log)
        else:
            env["DATA_FILE"] = str(self.given.folder / f"{self.name}.redb")
            self.host = Server(self.given, env, log)
        self.started.push_async_callback(self.host.stop)
        await self.host.start()
        if self.mode.hooks:
            hook = {"url": f"{self.host.url}/github/webhook", "repo": REPOSITORY, "secret": WEBHOOK_SECRET}
            await self.call("POST", "/hook", {**hook, "latency_ms": self.given.latency_ms})
            # The ping tells the bot that deliveries arrive.
            await asyncio.sleep(1)

    async def stop(self) -> None:
        await self.started.aclose()
        # What was cut off ends.
        await asyncio.sleep(0.2)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return await asyncio.to_thread(self.standins.call, method, path, body)

    # ---- what happens

    async def pace(self, conclusion: str, queued: float, running: float, jobs: int = 1) -> None:
        """How the runs of the next deploys go."""
        times = {"queued_ms": int(queued * 1000), "running_ms": int(running * 1000)}
        await self.call("POST", "/scenario", {"name": conclusion, "jobs": jobs, **times})

    async def types(self) -> Deploy:
        """Somebody types the command and reads what comes of it."""
        user = f"{self.name}.u{len(self.deploys)}.{self.rng.randrange(10**9)}"
        ask = {"text": "/deploy-client wait:true", "endpoint": f"{self.host.url}/discord", "user": user}
        at = time.time()
        # Noted before it is answered: a kill may come first.
        deploy = Deploy(user, "", "", False, at)
        self.deploys.append(deploy)
        typed = await self.call("POST", "/command", ask)
        deploy.user_id = json.loads(typed["sent"]["body"])["member"]["user"]["id"]
        deploy.interaction_id, deploy.answered = typed["interaction_id"], not typed["wrong"]
        return deploy

    async def presses(self, deploy: Deploy, label: str) -> None:
        """Its requester presses a button, if the card has it by now."""
        messages = await self.call("GET", f"/messages?interaction_id={deploy.interaction_id}")
        for card in messages:
            if not card["follow_up"] and f'"label": "{label}"' in json.dumps(card):
                press = {"message_id": card["id"], "label": label, "user": deploy.user}
                with contextlib.suppress(urllib.error.HTTPError):  # the button is gone
                    await self.call("POST", "/click", {**press, "endpoint": f"{self.host.url}/discord"})

    async def watch(self, asked: Asked, before: bool) -> bool:
        """Looks at a request that comes by; whether who asked lives on."""
        if before:
            self.asked.append(asked.what)
            self.count[asked.what] += 1
        if not self.point or asked.what != self.point.what:
            return True
        if before and self.count[asked.what] == self.point.nth:
            self.marked = asked
        if asked is not self.marked or before != self.point.before:
            return True
        pid = await asyncio.to_thread(owner, asked, self.host.at_work())
        if pid is None:
            return True
        self.marked = self.point = None
        self.kill(pid, asked.what, "before" if before else "after")
        return False

    def kill(self, pid: int, what: str, side: str) -> None:
        """Ends a process of the bot's, which gets no chance to say anything."""
        cause = self.host.cause(pid)
        os.kill(pid, signal.SIGKILL)
        self.kills.append((what, side, cause))
        for deploy in self.unsettled():
            deploy.kills.append(f"{side} {what} ({cause})")
        self.host.killed()

    def kill_any(self) -> bool:
        """Ends one process that is at work, if there is one."""
        at_work = self.host.at_work()
        if not at_work:
            return False
        self.kill(self.rng.choice(at_work), "a random moment", "")
        return True

    def at(self, point: Point | None) -> None:
        """Where the bot is to be killed next."""
        self.count.clear()
        self.point = point

    # ---- what came of it

    def unsettled(self) -> list[Deploy]:
        return [deploy for deploy in self.deploys if deploy.settled is None]

    async def look(self, *, all_of_them: bool = False) -> None:
        """What became of the deploys that are under way, or of all."""
        deploys = [deploy for deploy in self.deploys if deploy.user_id and (all_of_them or deploy.settled is None)]
        if not deploys:
            return
        channel = await self.call("GET", "/channel")
        dispatches = await self.call("GET", "/github/dispatches")
        runs = {run["id"]: run for run in await self.call("GET", "/github/runs")}
        for deploy in deploys:
            messages = await self.call("GET", f"/messages?interaction_id={deploy.interaction_id}")
            original = next((message for message in messages if not message["follow_up"]), None)
            others = [message for message in [*messages, *channel] if message is not original]
            others = [message for message in others if deploy.user_id in message["pings"]]
            sent = [dispatch for dispatch in dispatches if deploy.user_id in dispatch["inputs"]["requester"]]
            run = runs[sent[0]["run_id"]] if sent else None
            conclusion = ending(run) if run else None
            may_read = self.mode.rights == READS
            deploy.facts = Facts(deploy.answered, may_read, original, others, len(sent), conclusion)
            right = not judge(deploy.facts)
            deploy.settled = (deploy.settled or time.time()) if right else None
            if run:
                deploy.run_ended = end_of(run)
            if tellings := told(deploy.facts):
                deploy.told_at = seconds(tellings[0]["at"])
                # Why it failed comes by an edit.
                deploy.explained_at = seconds(tellings[0]["edited"]) if tellings[0]["edited"] else None

    async def until(self, holds: Callable[[], bool], limit: float, every: float = 0.3) -> bool:
        end = time.monotonic() + limit
        while not (held := holds()) and time.monotonic() < end:
            await asyncio.sleep(every)
        return held

    async def rests(self, deploys: list[Deploy], patience: float) -> None:
        """Waits until nothing is wrong with these deploys, or for so long."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            await self.look()
            if all(deploy.settled or searched_for(deploy) for deploy in deploys):
                return
            await asyncio.sleep(0.5)


def searched_for(deploy: Deploy) -> bool:
    """Whether nothing was dispatched for it, so that the bot may look for a run for long."""
    has_begun = time.time() > deploy.at + BEGUN_WITHIN
    return bool(has_begun and deploy.facts and deploy.facts.answered and not deploy.facts.dispatches)
