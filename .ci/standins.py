"""The stand-ins for GitHub and Discord, started and spoken to from a script."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any


class StandIns:
    """A running `standins` program. Use it in a `with`."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary.resolve()

    def __enter__(self) -> StandIns:
        self.process = subprocess.Popen([self.binary], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.about: dict[str, str] = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control API. An answer that is not 200 is an error."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.about["control"] + path, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def scenario(self, name: str) -> None:
        """Changes how GitHub behaves from here on."""
        self.call("POST", "/scenario", {"name": name})

    def types(self, text: str, endpoint: str, twice: bool = False) -> dict[str, Any]:
        """Ada types a command; the answer is what the bot said within the three seconds."""
        return self.call("POST", "/command", {"text": text, "endpoint": endpoint, "user": "ada", "twice": twice})

    def signed(self, body: str) -> dict[str, str]:
        """The headers that make `body` a request of Discord's, sent now."""
        timestamp = str(int(time.time()))
        signature = self.call("POST", "/sign", {"timestamp": timestamp, "body": body})["signature"]
        signed = {"x-signature-ed25519": signature, "x-signature-timestamp": timestamp}
        return {**signed, "content-type": "application/json"}
