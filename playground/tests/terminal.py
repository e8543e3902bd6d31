"""Tests the playground's prompt at a terminal of its own. `.ci/run playground` runs it.

python3 playground/tests/terminal.py target/debug/playground
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60


class Terminal:
    def __init__(self, *command):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        )
        os.close(slave)
        self.text = ""

    def send(self, text):
        os.write(self.master, text.encode())

    def shows(self, pattern):
        """Waits for it in what came since it was last waited for."""
        ends = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            assert time.monotonic() < ends, f"{pattern!r} does not appear:\n{self.text}"
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode(errors="replace")
                except OSError:
                    assert re.search(pattern, self.text, re.DOTALL), f"{pattern!r}:\n{self.text}"
        self.text = self.text[found.end() :]


def main(program):
    terminal = Terminal(program, "--terminal")
    terminal.shows("Tab completes.*> ")
    # Completed: the command, an option, its value.
    terminal.send("/deploy-c\twa\tt\t\r")
    terminal.shows("#1 ada  /deploy-client wait:true")
    # Somebody else types meanwhile, and what is half typed stays below what arrives.
    terminal.send("grace: /deploy-cli")
    terminal.shows("in progress.*> grace: /deploy-cli")
    terminal.send("ent\r")
    terminal.shows("#2 grace  /deploy-client")
    terminal.send("/deploi-client waitt:true\r")
    terminal.shows("Did you mean: /deploy-client wait:true")
    terminal.shows("notifies ada")
    # The bot's own suggestions.
    terminal.send("/deploy-client ref:rel\t")
    terminal.shows("ref:release/1.0")
    # Up and down: what was typed before.
    terminal.send("\x15scenario failure\r")
    terminal.shows("Scenario failure: ")
    terminal.send("\x1b[A")
    terminal.shows("scenario failure")
    terminal.send("\x15push main\r")
    terminal.shows("octocat pushed to main")
    terminal.shows("CI failed")
    terminal.send("> Re-run\t\r")
    terminal.shows(r"#\d+ ada  \[ Re-run failed jobs \]")
    terminal.send("\x04")
    ended = terminal.process.wait(PATIENCE)
    assert ended == 0, ended
    print("The prompt completes, keeps what is half typed, and has a history.")


if __name__ == "__main__":
    main(sys.argv[1])
