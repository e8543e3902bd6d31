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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "target-repo" / ".github" / "workflows"
SAMPLE = ROOT / "tests" / "data" / "diagnose-summary.json"

BENIGN = {
    "correlation_id": "22434fc4-dfb9-5739-a2e3-532dc8c915c9",
    "requester": "ada#810000000000000001",
    "channel": "830000000000000001",
}
# Neither run nor asked. A file called pwned must never come to be.
HOSTILE = [
    *("$(touch pwned)", "`touch pwned`", "a[$(touch pwned)]", "%s%n*", "--output pwned", "\nhttps://app.example.com"),
    *(
        "https://",
        "http://app.example.com",
        "ftp://app.example.com",
        "file:///etc/passwd",
        "https://{app,api}.test.com",
    ),
    *("https://app.example.com" + rest for rest in ("/$(touch pwned)", ";touch pwned", "\ntouch pwned", "/?a=b")),
    *("https://app.example.com" + rest for rest in ("/';touch pwned;'", '/";touch pwned;"', "/ --output pwned")),
    *("https://app.example.com" + rest for rest in ("@evil.example.com", "\\@evil.example.com")),
    *("https://" + host for host in ("localhost", "127.0.0.1", "169.254.169.254/", "10.0.0.1:8443/", "2130706433/")),
    *("https://" + host for host in ("0x7f.1/", "[::1]/", "[::ffff:169.254.169.254]/", "127。0。0。1/")),
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


def steps_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


class Site(http.server.BaseHTTPRequestHandler):
    """The frontend and the API. What it says is changed by the checks."""

    answers: dict[str, tuple[int, dict[str, str]]] = {}
    asked: list[str] = []

    def do_GET(self) -> None:
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
def site(days: int) -> Iterator[tuple[int, Path]]:
    """Serves both hosts with one certificate of its own making; gives the port and the certificate."""
    with tempfile.TemporaryDirectory() as folder, Server(("127.0.0.1", 0), Site) as server:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=example.com"]
        openssl += ["-addext", "subjectAltName=DNS:app.example.com,DNS:api.example.com", "-days", str(days)]
        subprocess.run([*openssl, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, certificate
        server.shutdown()


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

    def __init__(
        self,
        file: str,
        inputs: dict[str, str] | None,
        variables: dict[str, str],
        fails: str = "nothing",
        trusts: tuple[int, Path] = (1, Path("/dev/null")),
    ) -> None:
        workflow = yaml.safe_load((EXAMPLES / file).read_text())
        self.contexts = {"inputs": inputs or {}, "vars": variables}
        self.place = tempfile.TemporaryDirectory()
        self.top = Path(self.place.name)
        for folder in ("work", "home", "bin", "temp"):
            (self.top / folder).mkdir()
        (self.top / "fails").write_text(fails)
        (self.top / "calls").touch()
        for tool in ("npm", "aws"):
            stub = self.top / "bin" / tool
            stub.write_text(STUB.format(python=sys.executable, folder=str(self.top)))
            stub.chmod(0o755)
        # Every connection of curl's goes to this port. Its script knows nothing of that.
        port, certificate = trusts
        (self.top / "home" / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{port}"\n')
        written = {name: self.top / "temp" / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for file in written.values():
            file.touch()
        self.environment = {
            "PATH": f"{self.top / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.top / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.top / "temp"),
            "CURL_CA_BUNDLE": str(certificate),
            **{name: str(file) for name, file in written.items()},
        }
        expect("the scripts run in bash", workflow["defaults"]["run"]["shell"] == "bash")
        self.status, self.said = 0, ""
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                if "run" in step and self.status == 0:
                    self.step(step["run"], {**workflow.get("env", {}), **job.get("env", {}), **step.get("env", {})})
        self.page = written.pop("GITHUB_STEP_SUMMARY").read_text()
        expect("no later step is told anything", not any(file.read_text() for file in written.values()))
        self.calls = [json.loads(line) for line in (self.top / "calls").read_text().splitlines()]
        strays = [str(path) for path in self.top.rglob("*pwned*")]
        expect("what was given is run", not strays, f"{self.contexts}\n{strays}")

    def step(self, script: str, env: dict[str, str]) -> None:
        file = self.top / "temp" / "script.sh"
        file.write_text(script)
        env = {**self.environment, **{name: self.value(value) for name, value in env.items()}}
        line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", file]
        done = subprocess.run(line, cwd=self.top / "work", env=env, capture_output=True, text=True, timeout=120)
        self.status, self.said = done.returncode, self.said + done.stdout + done.stderr

    def value(self, text: Any) -> str:
        """An expression's value: the first of its alternatives that is not empty, as on GitHub."""
        found = re.fullmatch(r"\$\{\{ (.+) \}\}", str(text))
        if not found:
            expect(f"an expression inside {text!r}: this check cannot tell its value", "${{" not in str(text))
            return str(text)
        names = (part.split(".") for part in found[1].split(" || "))
        values = (self.contexts[context].get(name) for context, name in names)
        return next(filter(None, values), "")

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.place.cleanup()

    @property
    def summary(self) -> str:
        return (self.top / "work" / "summary.json").read_text()

    def told(self) -> dict[str, tuple[bool, int | None, str]]:
        """The checks of the summary."""
        summary = json.loads(self.summary)
        well = summary["version"] == 1 and {*map(tuple, summary["checks"])} == {("name", "ok", "status", "detail")}
        expect("the summary's version and fields", well, summary)
        return {check["name"]: (check["ok"], check["status"], check["detail"]) for check in summary["checks"]}


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
    def deploy(inputs: dict[str, str] | None, variables: dict[str, str], done: int, fails: str = "nothing") -> Run:
        """A deploy that gets so far."""
        with Run("client-deploy.yml", inputs, variables, fails) as run:
            seen = [call[:-1] for call in run.calls]
            well = (run.status == 0) == (done == len(DEPLOYED) and fails == "nothing") and seen == DEPLOYED[:done]
            expect(f"{done} calls with {inputs}, {variables}, where {fails} fails", well, f"{run.said}\n{seen}")
            return run

    for inputs, base in [
        (None, SETTINGS["VITE_API_BASE"]),  # a push has no inputs
        ({**BENIGN, "VITE_API_BASE": ""}, SETTINGS["VITE_API_BASE"]),
        *(({**BENIGN, "VITE_API_BASE": base}, base) for base in FINE),
    ]:
        run = deploy(inputs, SETTINGS, len(DEPLOYED))
        expect("the base that is built with", run.calls[1][-1] == base, run.calls[:2])
    for base in [*HOSTILE, ""]:
        # A hostile requester beside it: no script is given that at all.
        run = deploy({"requester": base, "correlation_id": base}, {**SETTINGS, "VITE_API_BASE": base}, 1)
        expect("it is said what is wrong", "VITE_API_BASE is not the https URL" in run.said, run.said)
    for name in ("S3_BUCKET", "CLOUDFRONT_DISTRIBUTION_ID"):
        run = deploy(BENIGN, {**SETTINGS, name: ""}, 2)
        expect(f"{name} is missed before anything is uploaded", name in run.said, run.said)
    for n, call in enumerate(DEPLOYED, 1):
        deploy(BENIGN, SETTINGS, n, " ".join(call[1:]))


def diagnoses(update: bool) -> None:
    urls = {"frontend_url": "https://app.example.com/", "api_base": "https://api.example.com/v1"}

    def diagnose(at: tuple[int, Path], inputs: dict[str, str], variables: dict[str, str] | None = None) -> Run:
        Site.asked.clear()
        Server.connections = 0
        return Run("diagnose-dispatch.yml", inputs, variables or {}, trusts=at)

    with site(90) as at:
        with diagnose(at, {**BENIGN, **urls}) as run:
            expect("a site that is well", run.status == 0 and all(ok for ok, *_ in run.told().values()), run.told())
            # Once more each for the certificate.
            asked = ["app.example.com" + path for path in ("/", "/index.html", "/")]
            asked += ["api.example.com" + path for path in ("/v1/health", "/v1/hello", "/v1")]
            expect("what is asked", Site.asked == asked, Site.asked)
            expect("the job's page", run.page.count("✅") == 6 and "❌" not in run.page, run.page)
        with diagnose(at, {}, SETTINGS) as run:
            well = run.status == 0 and "api.example.com/hello" in Site.asked
            expect("the repository's variables are asked", well, Site.asked)
        with diagnose(at, {}) as run:
            expect("nothing given", run.status != 0 and len(run.told()) == 4, run.told())

        Site.answers = {
            "app.example.com/index.html": (200, {"cache-control": "public, max-age=600"}),
            "api.example.com/v1/health": (503, {}),
        }
        with diagnose(at, {**BENIGN, **urls}) as run:
            seen = run.told()
            expect("a failing check fails the run", run.status != 0, run.said)
            expect("a status that is not 200", seen["API /health"][:2] == (False, 503), seen)
            expect("an index that is kept", "max-age=600" in seen["Frontend /index.html"][2], seen)
            sample = re.sub(r"\d+(?= ms| more days)", "42", run.summary)
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
            seen = run.told()
            expect("a redirect is not followed", seen["Frontend /"][:2] == (False, 302), seen)
            too_large = not seen["API /health"][0] and "no answer: Max" in seen["API /health"][2]
            expect("too large a body is not read, and it is said why", too_large, seen)
            expect("details are short", all(len(detail) <= 200 for _, _, detail in seen.values()), seen)
            page = run.page.removeprefix("<pre>\n").removesuffix("</pre>\n")
            expect("the job's page has no markup of others", not re.search(r"[<>\x07]", page), page)
            expect("the log has no words of others", "img" not in run.said, run.said)
        Site.answers = {}

        for url in HOSTILE + LOCAL:
            given = dict.fromkeys(["correlation_id", "requester", "channel", "frontend_url", "api_base"], url)
            with diagnose(at, given) as run:
                refused = [ok or "not asked" not in detail for ok, _, detail in run.told().values()] == [False] * 4
                expect(f"{url!r} is refused", run.status != 0 and refused, run.told())
                expect(f"{url!r} is not asked", Server.connections == 0, Site.asked)
                expect(f"{url!r} shows no file", "root:" not in run.summary + run.page + run.said, run.said)
        for url in FINE[:3]:
            with diagnose(at, {"frontend_url": "https://app.example.com", "api_base": url}) as run:
                expect(f"{url!r} is asked", run.status == 0, run.told())

        # A name that stands for somebody else's server: its certificate is not for that name.
        with diagnose(at, {**urls, "frontend_url": "https://rebound.example.com"}) as run:
            seen = run.told()
            expect("another's certificate", "no answer: SSL" in seen["Frontend /"][2] and not Site.asked[4:], seen)
            expect("nothing is asked of it", all("rebound" not in asked for asked in Site.asked), Site.asked)
            expect("the others are asked all the same", seen["API /hello"][0], seen)
    with site(5) as at, diagnose(at, {**BENIGN, **urls}) as run:
        seen = run.told()
        expect("a certificate that ends soon", seen["API certificate"][0] is False and run.status != 0, seen)
        expect("its days are told", re.fullmatch(r"valid for [45] more days", seen["API certificate"][2]), seen)


def texts(shellcheck: Path) -> None:
    """What can be told without running anything."""
    files = [*EXAMPLES.glob("*.yml"), *(ROOT / ".github" / "workflows").glob("*.yml")]
    steps = {file: steps_of(yaml.safe_load(file.read_text())) for file in files}
    for name, step in ((file.name, step) for file in files for step in steps[file] if "run" in step):
        where = f"{name}, {step.get('name')}"
        expect(f"{where}: no expression in a script", "${{" not in step["run"])
        line = [shellcheck, "--shell=bash", "--severity=style", "-"]
        done = subprocess.run(line, input=step["run"], capture_output=True, text=True)
        expect(f"{where}: shellcheck", done.returncode == 0, done.stdout + done.stderr)
    names = [step.get("name", "") for step in steps[EXAMPLES / "client-deploy.yml"]]
    agents = tomllib.loads((ROOT / "agents.toml").read_text())["agent"]
    for pattern in (step for agent in agents for step in agent.get("steps", [])):
        fitting = [name for name in names if pattern["pattern"] in name.lower()]
        expect(f"one step is {pattern['label']}, by agents.toml", fitting == [pattern["label"]], fitting)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shellcheck", type=Path, required=True)
    parser.add_argument("--update", action="store_true", help=f"write {SAMPLE.relative_to(ROOT)} anew")
    given = parser.parse_args()
    texts(given.shellcheck)
    deploys()
    diagnoses(given.update)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
