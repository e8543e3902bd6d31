#!/usr/bin/env python3
"""Runs the image as examples/compose.yaml does: read-only, without rights, its data on a volume.

With `--engine docker --image NAME` it is a container. Without an engine (`--deckhand BINARY`) the same files are laid
out in a folder and run in namespaces, with what the Dockerfile says of user, environment and command. That needs root.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
USER = 65532
# Nobody is asked with them.
SETTINGS = {
    "DISCORD_PUBLIC_KEY": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "DISCORD_APPLICATION_ID": "1200000000000000000",
    "GITHUB_TOKEN": "github_pat_none",
    "GITHUB_REPO": "octo-org/web-client",
    "ALLOWED_GUILD_IDS": "41",
    "DISCORD_API_BASE": "http://127.0.0.1:1",
    "GITHUB_API_BASE": "http://127.0.0.1:1",
}
# A network of its own has no loopback yet.
LOOPBACK = "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 1))"
ENTER = """
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --bind "$2" "$1/data"
mount -t proc proc "$1/proc"
shift 2
exec "$@"
"""


class Container:
    """A container of an engine's."""

    def __init__(self, engine: str, image: str) -> None:
        self.engine = engine
        self.name = f"deckhand-{os.getpid()}"
        self.image = image

    def engine_does(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.engine, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def start(self) -> None:
        settings = [f"--env={name}={value}" for name, value in SETTINGS.items()]
        confined = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        volume = f"--volume={self.name}:/data"
        run = self.engine_does("run", "--detach", f"--name={self.name}", volume, *confined, *settings, self.image)
        assert run.returncode == 0, run.stdout

    def runs(self, *arguments: str) -> tuple[int, str]:
        done = self.engine_does("exec", self.name, "deckhand", *arguments)
        return done.returncode, done.stdout

    def stop(self) -> tuple[int, str]:
        self.engine_does("stop", "--time=40", self.name)
        code = int(self.engine_does("inspect", "--format={{.State.ExitCode}}", self.name).stdout)
        log = self.engine_does("logs", self.name).stdout
        self.engine_does("rm", self.name)
        return code, log

    def end(self) -> None:
        self.engine_does("rm", "--force", self.name)
        self.engine_does("volume", "rm", self.name)


def dockerfile() -> dict[str, list[str]]:
    """The instructions of the last stage, as lists of words."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            said = {}
        listed = re.search(r"\[.*\]$", rest)
        said[name] = json.loads(listed[0]) if listed else rest.split()
    return said


class Namespaces:
    """The files of the image, in namespaces of their own."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.said = dockerfile()
        self.root, self.data, self.log = folder / "root", folder / "data", folder / "log"
        for made in ("opt/deckhand", "data", "proc"):
            (self.root / made).mkdir(parents=True)
        self.data.mkdir(mode=0o700)
        os.chown(self.data, USER, USER)
        shutil.copy(binary, self.root / "opt/deckhand/deckhand")
        shutil.copy(ROOT / "agents.toml", self.root / "opt/deckhand")
        listed = subprocess.run(["ldd", binary], text=True, capture_output=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            copy = self.root / library.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, copy)

    def environment(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.said["ENV"])

    def start(self) -> None:
        user = self.said["USER"][0]
        assert user == f"{USER}:{USER}", user
        program = [str(shutil.which("chroot")), f"--userspec={user}", str(self.root)]
        command = [*program, *self.said["ENTRYPOINT"], *self.said["CMD"]]
        given = [f"{name}={value}" for name, value in (self.environment() | SETTINGS).items()]
        confined = ["setpriv", "--no-new-privs", "env", "-i", *given, *command]
        inside = ["sh", "-euc", f'"{sys.executable}" -c "{LOOPBACK}"\n{ENTER}', "sh", self.root, self.data, *confined]
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--", *inside]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(unshare, stdout=log, stderr=log)

    def child(self) -> int:
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def runs(self, *arguments: str) -> tuple[int, str]:
        namespaces = ["--mount", "--net", "--pid", "--root", f"--setuid={USER}", f"--setgid={USER}"]
        enter = [str(shutil.which("nsenter")), f"--target={self.child()}", *namespaces, "--", "deckhand", *arguments]
        done = subprocess.run(
            enter, text=True, env=self.environment() | SETTINGS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.returncode, done.stdout

    def stop(self) -> tuple[int, str]:
        os.kill(self.child(), signal.SIGTERM)
        code = self.process.wait(timeout=40)
        return code, self.log.read_text()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def eventually(what: str, check: Callable[[], bool]) -> None:
    """Waits a few seconds for it."""
    end = time.monotonic() + 15
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def is_healthy(container: Container | Namespaces) -> bool:
    with contextlib.suppress(IndexError, FileNotFoundError):
        return container.runs("health")[0] == 0
    return False


def check(container: Container | Namespaces) -> None:
    """Starts it twice with the same data. Between that it is asked and stopped."""
    for again in (False, True):
        container.start()
        eventually("it becomes healthy", lambda: is_healthy(container))
        code, said = container.runs("health", "--listen", "3001")
        assert code == 1 and "not healthy" in said, said
        code, said = container.runs("doctor")
        assert "/opt/deckhand/agents.toml (beside the binary) is valid" in said, said
        # It reads the file on the volume, in which nothing is yet.
        code, said = container.runs("history")
        assert code == 0, said
        code, log = container.stop()
        assert code == 0, f"status {code} after SIGTERM: {log}"
        assert "deckhand listens on http://0.0.0.0:3000" in log and "shutting down" in log, log
        print(f"    started{' again' if again else ''}, healthy, and stopped by SIGTERM")


@contextlib.contextmanager
def chosen(given: argparse.Namespace) -> Iterator[Container | Namespaces]:
    """The way that was chosen, cleaned up in the end."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        container = Container(given.engine, given.image) if given.engine else Namespaces(given.deckhand, Path(folder))
        try:
            yield container
        finally:
            container.end()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["docker", "podman"])
    parser.add_argument("--image", default="deckhand")
    parser.add_argument("--deckhand", type=Path)
    given = parser.parse_args()
    if not given.engine:
        if given.deckhand is None:
            parser.error("give --engine or --deckhand")
        allowed = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
        if os.geteuid() != 0 or subprocess.run(allowed, stderr=subprocess.DEVNULL).returncode != 0:
            print("    SKIPPED: only root may make namespaces; try --engine docker")
            return 0
    with chosen(given) as container:
        check(container)
    return 0


if __name__ == "__main__":
    sys.exit(main())
