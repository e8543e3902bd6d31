"""Stands between the bot and a service that it asks, sees each request, and can end the bot at one of them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))
from lambda_emulator import MiniServer, read_body  # noqa: E402

# What differs from one deploy to the next.
VARIABLE = re.compile(r"(?<=/)(\d+|eyJ[^/]*|[^/]{40,})(?=/|$)")
TO_AWS = "x-amz-target"


class Asked(NamedTuple):
    """A request that came by: what it asks for, and the ports of its connection."""

    what: str
    sender: int
    port: int


def label(service: str, method: str, path: str, target: str) -> str:
    """What a request asks for, the same for every deploy."""
    if target:
        return f"{service} {target.rpartition('.')[2]}"
    path = VARIABLE.sub("…", path.partition("?")[0])
    for common in ("/repos/octo-org/web-client", "/api/v10", "/actions"):
        path = path.replace(common, "")
    return f"{service} {method} {path}"


# What is done at a request, before it is passed on and before its answer is: whether the bot still lives.
Watch = Callable[[Asked, bool], Awaitable[bool]]


class Passage:
    """An address for a service. Use it in an event loop."""

    def __init__(self, service: str, behind: str, watch: Watch) -> None:
        self.service, self.watch = service, watch
        url = urllib.parse.urlsplit(behind)
        assert url.hostname and url.port
        self.behind, self.path = (url.hostname, url.port), url.path
        self.server = MiniServer(self.pass_on)

    async def start(self) -> None:
        port = await self.server.start(0)
        self.port = port
        self.url = f"http://127.0.0.1:{port}{self.path}"

    async def stop(self) -> None:
        await self.server.stop()

    async def pass_on(self, request: Any, reader: Any, _: Any) -> bytes | None:
        """The answer, or nothing if who asked is dead."""
        body = await read_body(reader, request)
        what = label(self.service, request.method, request.path, request.h.get(TO_AWS, ""))
        asked = Asked(what, request.peer[1], self.port)
        if not await self.watch(asked, True):
            return None
        answer = await self.ask(request, body)
        return answer if await self.watch(asked, False) else None

    async def ask(self, request: Any, body: bytes) -> bytes | None:
        """By a connection for this request only, so that the answer ends with it."""
        lines = [f"{request.method} {request.target} HTTP/1.1", "connection: close"]
        lines += [f"{name}: {value}" for name, value in request.raw_headers if name.lower() != "connection"]
        reader, writer = await asyncio.open_connection(*self.behind)
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
            answer = await reader.read(-1)
        finally:
            writer.close()
        head, gap, rest = answer.partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        return b"\r\n".join(kept) + gap + rest if gap else None


def owner(asked: Asked, processes: list[int]) -> int | None:
    """Which of some processes sent a request."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{asked.sender:04X}") and fields[2].endswith(f":{asked.port:04X}"):
            return next((pid for pid in processes if f"socket:[{fields[9]}]" in links(pid)), None)
    return None


def links(pid: int) -> set[str]:
    """What the file descriptors of a process stand for."""
    found = set()
    with contextlib.suppress(OSError):  # it ended, or closed one
        for link in Path(f"/proc/{pid}/fd").iterdir():
            found.add(str(link.readlink()))
    return found
