#!/usr/bin/env python3
"""Runs the scripts of the example workflows as GitHub would, against a website on this machine and
stand-ins of npm and aws, with what a person would give them and with what an attacker would."""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "target-repo" / ".github" / "workflows"
SAMPLE = ROOT / "tests" / "data" / "diagnose-summary.json"

HOSTS = ("app.example.com", "api.example.com")
BENIGN = {
    "correlation_id": "22434fc4-dfb9-5739-a2e3-532dc8c915c9",
    "requester": "ada#810000000000000001",
    "channel": "830000000000000001",
}
# Neither run nor asked. A file called pwned must never come to be.
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "https://app.example.com/$(touch pwned)",
    "https://app.example.com/';touch pwned;'",
    'https://app.example.com/";touch pwned;"',
    "https://app.example.com;touch pwned",
    "https://app.example.com\ntouch pwned",
    "\nhttps://app.example.com",
    "https://app.example.com/ --output pwned",
    "--output pwned",
    "a[$(touch pwned)]",
    "%s%n*",
    "file:///etc/passwd",
    "http://app.example.com",
    "ftp://app.example.com",
    "https://",
    "https://app.example.com@evil.example.com",
    "https://app.example.com\\@evil.example.com",
    "https://{app,api}.example.com",
    "https://app.example.com/?a=b",
    "https://localhost",
    "https://127.0.0.1",
    "https://169.254.169.254/",
    "https://10.0.0.1:8443/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://127。0。0。1/",
]
# What only the diagnosis asks, so only it refuses them.
LOCAL = [
    "https://metadata.google.internal/",
    "https://x.localhost",
    "https://nas.local:443",
    "https://1.0.0.127.in-addr.arpa",
]
FINE = [
    "https://api.example.com",
    "https://api.example.com/",
    "https://API.example.com:8443/v1/~ada/a-b_c.d%20e",
    "https://xn--bcher-kva.example",
]

failures: list[str] = []


def expect(what: str, true: bool, seen: Any = "") -> None:
    if not true:
        failures.append(f"{what}\n{seen}".rstrip())


def scripts(workflow: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                yield step.get("name", "a step without a name"), step["run"]


class Site(http.server.BaseHTTPRequestHandler):
    """The frontend and the API. What it says is changed by the checks."""

    answers: dict[str, tuple[int, dict[str, str]]] = {}
    asked: list[str] = []

    def do_GET(self) -> None:  # noqa: N802
        where = f"{self.headers['host']}{self.path}"
        Site.asked.append(where)
        status, headers = Site.answers.get(where, (200, {}))
        self.send_response(status)
        for name, value in {"cache-control": "no-cache", "content-length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    connections = 0

    def get_request(self) -> Any:
        Server.connections += 1
        return super().get_request()

    def handle_error(self, *_: object) -> None:
        pass  # a client that trusts nobody hangs up


@contextlib.contextmanager
def site(folder: Path, days: int) -> Iterator[tuple[int, Path]]:
    """Serves both hosts with one certificate of its own making; gives the port and the certificate."""
    key, certificate = folder / f"{days}.key", folder / f"{days}.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=example.com"]
    openssl += ["-addext", f"subjectAltName={names}", "-days", str(days), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(openssl, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, certificate
    finally:
        server.shutdown()
        server.server_close()


STUB = """#!{python}
import json, os, pathlib, sys
tool, argv = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
here = pathlib.Path({folder!r})
with (here / "calls").open("a") as calls:
    print(json.dumps([tool, *argv, os.environ.get("VITE_API_BASE")]), file=calls)
if argv == ["run", "build"]:
    pathlib.Path("dist/assets").mkdir(parents=True)
    pathlib.Path("dist/index.html").write_text("made")
if argv[:2] == ["cloudfront", "create-invalidation"]:
    print("I2J4EXAMPLE")
sys.exit(1 if (here / "fails").read_text() in " ".join(argv) else 0)
"""


class Run:
    """A run of one workflow in a folder of its own, like a fresh runner."""

    def __init__(self, file: str, inputs: dict[str, str] | None, variables: dict[str, str], fails: str = "nothing"):
        self.workflow = yaml.safe_load((EXAMPLES / file).read_text())
        self.contexts = {"inputs": inputs or {}, "vars": variables}
        self.place = tempfile.TemporaryDirectory()
        self.top = Path(self.place.name)
        self.work = self.top / "work"
        for folder in ("work", "home", "bin", "temp"):
            (self.top / folder).mkdir()
        (self.top / "fails").write_text(fails)
        for tool in ("npm", "aws"):
            stub = self.top / "bin" / tool
            stub.write_text(STUB.format(python=sys.executable, folder=str(self.top)))
            stub.chmod(0o755)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.place.cleanup()

    def trusts(self, port: int, certificate: Path) -> Run:
        """Every connection of curl's goes to this port. Its script knows nothing of that."""
        (self.top / "home" / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{port}"\n')
        self.certificate = certificate
        return self

    def value(self, text: Any) -> str:
        """An expression's value: the first of its alternatives that is not empty, as on GitHub."""
        found = re.fullmatch(r"\$\{\{ (.+) \}\}", str(text))
        if not found:
            expect(f"an expression inside {text!r}: this check cannot tell its value", "${{" not in str(text))
            return str(text)
        for part in found[1].split(" || "):
            context, _, name = part.partition(".")
            given = self.contexts[context].get(name)
            if given:
                return given
        return ""

    def go(self) -> Run:
        environment = {
            "PATH": f"{self.top / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.top / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.top / "temp"),
            "CURL_CA_BUNDLE": str(getattr(self, "certificate", "/dev/null")),
        }
        for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"):
            environment[name] = str(self.top / "temp" / name)
            Path(environment[name]).touch()
        expect("the scripts run in bash", self.workflow["defaults"]["run"]["shell"] == "bash")
        self.status, self.said = 0, ""
        for job in self.workflow["jobs"].values():
            for step in job["steps"]:
                if "run" not in step or self.status:
                    continue
                given = {**self.workflow.get("env", {}), **job.get("env", {}), **step.get("env", {})}
                given = {name: self.value(value) for name, value in given.items()}
                script = self.top / "temp" / "script.sh"
                script.write_text(step["run"])
                done = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                    cwd=self.work,
                    env={**environment, **given},
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
                self.status, self.said = done.returncode, self.said + done.stdout + done.stderr
        self.page = Path(environment["GITHUB_STEP_SUMMARY"]).read_text()
        for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH"):
            expect(f"{name} is not written", not Path(environment[name]).read_text())
        strays = [str(path) for path in self.top.rglob("*pwned*")]
        expect("what was given is run", not strays, f"{self.contexts}\n{strays}")
        return self

    def calls(self) -> list[list[str | None]]:
        log = self.top / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def checks(self) -> list[dict[str, Any]]:
        summary = json.loads((self.work / "summary.json").read_text())
        expect("the summary's version", summary["version"] == 1, summary)
        for check in summary["checks"]:
            expect("a check's fields", list(check) == ["name", "ok", "status", "detail"], check)
        return summary["checks"]


SETTINGS = {
    "VITE_API_BASE": "https://api.example.com",
    "FRONTEND_BASE_URL": "https://app.example.com",
    "S3_BUCKET": "web-client",
    "CLOUDFRONT_DISTRIBUTION_ID": "E1EXAMPLE",
}

NO_CACHE = ["--cache-control", "no-cache"]
DEPLOYED = [
    ["npm", "ci"],
    ["npm", "run", "build"],
    ["aws", "s3", "sync", "dist/assets", "s3://web-client/assets", "--only-show-errors"]
    + ["--cache-control", "public, max-age=31536000, immutable"],
    ["aws", "s3", "cp", "dist", "s3://web-client", "--recursive", "--only-show-errors"]
    + ["--exclude", "assets/*", "--exclude", "index.html", *NO_CACHE],
    ["aws", "s3", "cp", "dist/index.html", "s3://web-client/index.html", "--only-show-errors", *NO_CACHE],
    ["aws", "cloudfront", "create-invalidation", "--distribution-id", "E1EXAMPLE", "--paths", "/*"]
    + ["--query", "Invalidation.Id", "--output", "text"],
    ["aws", "cloudfront", "wait", "invalidation-completed", "--distribution-id", "E1EXAMPLE", "--id", "I2J4EXAMPLE"],
    ["aws", "s3", "sync", "dist", "s3://web-client", "--delete", "--size-only", "--only-show-errors"],
]


def deploys() -> None:
    def deploy(inputs: dict[str, str] | None, variables: dict[str, str], fails: str = "nothing") -> Run:
        return Run("client-deploy.yml", inputs, variables, fails).go()

    for inputs, base in [
        (None, SETTINGS["VITE_API_BASE"]),  # a push has no inputs
        ({**BENIGN, "VITE_API_BASE": ""}, SETTINGS["VITE_API_BASE"]),
        *(({**BENIGN, "VITE_API_BASE": base}, base) for base in FINE),
    ]:
        with deploy(inputs, SETTINGS) as run:
            seen = [call[:-1] for call in run.calls()]
            expect(f"a deploy with {inputs}", run.status == 0 and seen == DEPLOYED, f"{run.said}\n{seen}")
            expect("the base that is built with", run.calls()[1][-1] == base, run.calls()[:2])
    for base in [*HOSTILE, ""]:
        # A hostile requester beside it: no script is given that at all.
        variables = {**SETTINGS, "VITE_API_BASE": base}
        with deploy({"requester": base, "correlation_id": base}, variables) as run:
            seen = [call[:-1] for call in run.calls()]
            expect(f"VITE_API_BASE {base!r} is refused", run.status != 0 and seen == DEPLOYED[:1], seen)
            expect("it is said what is wrong", "VITE_API_BASE is not the https URL" in run.said, run.said)
    for name in ("S3_BUCKET", "CLOUDFRONT_DISTRIBUTION_ID"):
        with deploy(BENIGN, {**SETTINGS, name: ""}) as run:
            seen = [call[:-1] for call in run.calls()]
            expect(f"{name} is missed before anything is uploaded", run.status != 0 and seen == DEPLOYED[:2], seen)
            expect("its name is said", name in run.said, run.said)
    for n, call in enumerate(DEPLOYED):
        with deploy(BENIGN, SETTINGS, " ".join(call[1:])) as run:
            seen = [call[:-1] for call in run.calls()]
            expect(f"nothing follows {call} when it fails", run.status != 0 and seen == DEPLOYED[: n + 1], seen)


def told(run: Run) -> dict[str, tuple[bool, int | None, str]]:
    return {check["name"]: (check["ok"], check["status"], check["detail"]) for check in run.checks()}


def diagnoses(folder: Path, update: bool) -> None:
    urls = {"frontend_url": "https://app.example.com/", "api_base": "https://api.example.com/v1"}

    def diagnose(at: tuple[int, Path], inputs: dict[str, str], variables: dict[str, str] | None = None) -> Run:
        Site.asked.clear()
        Server.connections = 0
        return Run("diagnose-dispatch.yml", inputs, variables or {}).trusts(*at).go()

    with site(folder, 90) as at:
        with diagnose(at, {**BENIGN, **urls}) as run:
            expect("a site that is well", run.status == 0 and all(ok for ok, *_ in told(run).values()), told(run))
            # Once more each for the certificate.
            asked = ["app.example.com/", "app.example.com/index.html", "app.example.com/"]
            asked += ["api.example.com/v1/health", "api.example.com/v1/hello", "api.example.com/v1"]
            expect("what is asked", Site.asked == asked, Site.asked)
            expect("the job's page", run.page.count("✅") == 6 and "❌" not in run.page, run.page)
        with diagnose(at, {}, SETTINGS) as run:
            expect("the repository's variables", run.status == 0, told(run))
            expect("they are asked", "api.example.com/hello" in Site.asked, Site.asked)
        with diagnose(at, {}) as run:
            expect("nothing given", run.status != 0 and len(told(run)) == 4, told(run))

        Site.answers = {
            "app.example.com/index.html": (200, {"cache-control": "public, max-age=600"}),
            "api.example.com/v1/health": (503, {}),
        }
        with diagnose(at, {**BENIGN, **urls}) as run:
            seen = told(run)
            expect("a failing check fails the run", run.status != 0, run.said)
            expect("a status that is not 200", seen["API /health"][:2] == (False, 503), seen)
            expect("an index that is kept", "max-age=600" in seen["Frontend /index.html"][2], seen)
            sample = re.sub(r"\d+(?= ms| more days)", "42", (run.work / "summary.json").read_text())
            if update:
                SAMPLE.write_text(sample)
            expect(f"{SAMPLE.name} is what the script leaves; see --update", SAMPLE.read_text() == sample, sample)

        hostile = "</pre><img src=x>|$(touch pwned)`touch pwned`[a](b)\t::error::x \x07&"
        Site.answers = {
            "app.example.com/": (302, {"location": "https://169.254.169.254/"}),
            "app.example.com/index.html": (200, {"cache-control": hostile * 9}),
            "api.example.com/v1/health": (200, {"content-length": "6000000"}),
        }
        with diagnose(at, {**BENIGN, **urls}) as run:
            seen = told(run)
            expect("a redirect is not followed", seen["Frontend /"][:2] == (False, 302), seen)
            expect("too large a body is not read", seen["API /health"][0] is False, seen)
            expect("it is said why", "no answer: Max" in seen["API /health"][2], seen)
            expect("details are short", all(len(detail) <= 200 for _, _, detail in seen.values()), seen)
            page = run.page.removeprefix("<pre>\n").removesuffix("</pre>\n")
            expect("the job's page has no markup of others", not re.search(r"[<>\x07]", page), page)
            expect("the log has no words of others", "img" not in run.said, run.said)
        Site.answers = {}

        for url in HOSTILE + LOCAL:
            given = dict.fromkeys(["correlation_id", "requester", "channel", "frontend_url", "api_base"], url)
            with diagnose(at, given) as run:
                refused = [ok or "not asked" not in detail for ok, _, detail in told(run).values()] == [False] * 4
                expect(f"{url!r} is refused", run.status != 0 and refused, told(run))
                expect(f"{url!r} is not asked", Server.connections == 0, Site.asked)
                leaked = "root:" in (run.work / "summary.json").read_text() + run.page + run.said
                expect(f"{url!r} shows no file", not leaked, run.said)
        for url in FINE[:3]:
            with diagnose(at, {"frontend_url": "https://app.example.com", "api_base": url}) as run:
                expect(f"{url!r} is asked", run.status == 0, told(run))

        # A name that stands for somebody else's server: its certificate is not for that name.
        with diagnose(at, {**urls, "frontend_url": "https://rebound.example.com"}) as run:
            seen = told(run)
            expect("another's certificate", "no answer: SSL" in seen["Frontend /"][2] and not Site.asked[4:], seen)
            expect("nothing is asked of it", all("rebound" not in asked for asked in Site.asked), Site.asked)
            expect("the others are asked all the same", seen["API /hello"][0], seen)
    with site(folder, 5) as at, diagnose(at, {**BENIGN, **urls}) as run:
        seen = told(run)
        expect("a certificate that ends soon", seen["API certificate"][0] is False and run.status != 0, seen)
        expect("its days are told", re.fullmatch(r"valid for [45] more days", seen["API certificate"][2]), seen)


def texts(shellcheck: Path) -> None:
    """What can be told without running anything."""
    for file in sorted([*EXAMPLES.glob("*.yml"), *(ROOT / ".github" / "workflows").glob("*.yml")]):
        for name, script in scripts(yaml.safe_load(file.read_text())):
            expect(f"{file.name}, {name}: no expression in a script", "${{" not in script)
            line = [str(shellcheck), "--shell=bash", "--severity=style", "-"]
            done = subprocess.run(line, input=script, capture_output=True, text=True, check=False)
            expect(f"{file.name}, {name}: shellcheck", done.returncode == 0, done.stdout + done.stderr)
    steps = [
        step.get("name", "")
        for job in yaml.safe_load((EXAMPLES / "client-deploy.yml").read_text())["jobs"].values()
        for step in job["steps"]
    ]
    agents = tomllib.loads((ROOT / "agents.toml").read_text())["agent"]
    for pattern in (step for agent in agents for step in agent.get("steps", [])):
        fitting = [step for step in steps if pattern["pattern"] in step.lower()]
        expect(f"one step is {pattern['label']}, by agents.toml", fitting == [pattern["label"]], fitting)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shellcheck", type=Path, required=True)
    parser.add_argument("--update", action="store_true", help=f"write {SAMPLE.relative_to(ROOT)} anew")
    given = parser.parse_args()
    checks: list[Callable[[Path], None]] = [
        lambda _: texts(given.shellcheck),
        lambda _: deploys(),
        lambda folder: diagnoses(folder, given.update),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for check in checks:
            check(Path(folder))
    for failure in failures:
        print(failure, file=sys.stderr)
    if not failures:
        print("the example workflows do what they say")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
