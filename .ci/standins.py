"""The stand-ins for GitHub and Discord, started and spoken to from a script."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any


class StandIns:
    """A running `standins` program. Use it in a `with`."""

    def __init__(self, binary: Path, scenario: str = "success") -> None:
        self.line = [str(binary), "--scenario", scenario]

    def __enter__(self) -> StandIns:
        self.process = subprocess.Popen(self.line, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if not said:
            self.process.wait()
            raise RuntimeError(f"the stand-ins ended with {self.process.returncode} before they said where they are")
        self.about: dict[str, str] = json.loads(said)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control API."""
        address = urllib.parse.urlsplit(self.about["control"]).netloc
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            data = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {data}")
        return data

    def scenario(self, name: str) -> None:
        """Changes how GitHub behaves from here on."""
        self.call("POST", "/scenario", {"name": name})

    def types(self, text: str, endpoint: str, user: str = "ada") -> dict[str, Any]:
        """Somebody types a command; the answer is what the bot said within the three seconds."""
        return self.call("POST", "/command", {"text": text, "endpoint": endpoint, "user": user})

    def pings(self, endpoint: str) -> dict[str, Any]:
        """Discord checks the endpoint, as when its URL is saved."""
        return self.call("POST", "/ping", {"endpoint": endpoint})

    def messages(self, interaction_id: str) -> list[dict[str, Any]]:
        """What is in the channel now because of this interaction."""
        return self.call("GET", f"/messages?interaction_id={interaction_id}")

    def signed(self, body: str) -> dict[str, str]:
        """The headers that make `body` a request of Discord's, sent now."""
        timestamp = str(int(time.time()))
        signature = self.call("POST", "/sign", {"timestamp": timestamp, "body": body})["signature"]
        return {
            "content-type": "application/json",
            "x-signature-ed25519": signature,
            "x-signature-timestamp": timestamp,
        }

    def environment(self) -> dict[str, str]:
        """The settings of a bot that talks to these stand-ins."""
        return {
            "DISCORD_PUBLIC_KEY": self.about["public_key"],
            "DISCORD_APPLICATION_ID": self.about["application_id"],
            "DISCORD_API_BASE": self.about["discord"],
            "GITHUB_API_BASE": self.about["github"],
            "GITHUB_TOKEN": self.about["github_token"],
            "GITHUB_REPO": "octo-org/web-client",
        }
