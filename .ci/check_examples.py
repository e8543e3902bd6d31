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
import shlex
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
    *("http://app.example.com", "ftp://app.example.com", "file:///etc/passwd"),
    *("https://app.example.com" + rest for rest in ("/$(touch pwned)", ";touch pwned", "\ntouch pwned")),
    *("https://app.example.com" + rest for rest in ("/?a=b", "?", "/#a", "/a&b")),
    *("https://app.example.com" + rest for rest in ("/';touch pwned;'", '/";touch pwned;"', "/ --output pwned")),
    *("https://app.example.com" + rest for rest in ("@evil.example.com", "\\@evil.example.com")),
    *("https://" + host for host in ("", "{app,api}.test.com", "localhost", "127.0.0.1", "169.254.169.254/")),
    *("https://" + host for host in ("10.0.0.1:8443/", "2130706433/", "0x7f.1/", "[::1]/", "127。0。0。1/")),
    "https://[::ffff:169.254.169.254]/",
]
# What only the diagnosis asks, so only it refuses them.
LOCAL = ["metadata.google.internal/", "x.localhost", "nas.local:443", "1.0.0.127.in-addr.arpa"]
PATH = "https://API.example.com:8443/v1/~ada/a-b_c.d%20e"
FINE = ["https://api.example.com", "https://api.example.com/", PATH, "https://xn--bcher-kva.example"]

failures: list[str] = []


def expect(what: str, true: bool, seen: Any = "") -> None:
    if not true:
        failures.append(f"{what}\n{seen}".rstrip())


class Site(http.server.BaseHTTPRequestHandler):
    """The frontend and the API. What it says is changed by the checks."""

    answers: dict[str, tuple[int, dict[str, str]]] = {}
    asked: list[str] = []
    port, certificate = 1, Path("/dev/null")

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
def site(days: int) -> Iterator[None]:
    """Serves both hosts with one certificate of its own making."""
    with tempfile.TemporaryDirectory() as folder, Server(("127.0.0.1", 0), Site) as server:
        key, Site.certificate, Site.port = Path(folder, "key"), Path(folder, "certificate"), server.server_port
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=example.com"]
        openssl += ["-addext", "subjectAltName=DNS:app.example.com,DNS:api.example.com", "-days", str(days)]
        subprocess.run([*openssl, "-keyout", key, "-out", Site.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Site.certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


STUB = """#!/usr/bin/env bash
jq --null-input --compact-output '$ARGS.positional + [env.VITE_API_BASE]' --args -- "${0##*/}" "$@" >>~/calls
case $* in
    'run build') mkdir -p dist/assets && echo made >dist/index.html ;;
    's3 cp dist/version.json '*) cp dist/version.json ~/version ;;
    'cloudfront create-invalidation '*) echo I2J4EXAMPLE ;;
esac
[[ $* != *"$FAILS"* ]]
"""


class Run:
    """A run of one workflow in a folder of its own, like a fresh runner."""

    def __init__(self, file: str, inputs: dict[str, str] | None, variables: dict[str, str], fails: str = "nothing"):
        secrets = {"VITE_API_BASE"}
        self.contexts = {
            "inputs": inputs or {},
            "vars": {name: value for name, value in variables.items() if name not in secrets},
            "secrets": {name: value for name, value in variables.items() if name in secrets},
        }
        self.status, self.said = 0, ""
        with tempfile.TemporaryDirectory() as folder:
            self.run(yaml.safe_load((EXAMPLES / file).read_text()), Path(folder), fails)

    def run(self, workflow: dict[str, Any], top: Path, fails: str) -> None:
        for name in ("work", "bin"):
            (top / name).mkdir()
        for tool in ("npm", "aws"):
            stub = top / "bin" / tool
            stub.write_text(STUB)
            stub.chmod(0o755)
        # Every connection of curl's goes to the site. Its script knows nothing of that.
        (top / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{Site.port}"\n')
        page, calls, summary = top / "page", top / "calls", top / "work" / "summary.json"
        version = top / "version"
        for path in (page, calls, summary, version):
            path.touch()
        environment = {
            "PATH": f"{top / 'bin'}:{os.environ['PATH']}",
            "HOME": str(top),
            "LANG": "C.UTF-8",
            "FAILS": fails,
            "CURL_CA_BUNDLE": str(Site.certificate),
            "GITHUB_SHA": SHA,
            # No GITHUB_ENV and no GITHUB_OUTPUT: no later step is told anything.
            "GITHUB_STEP_SUMMARY": str(page),
        }
        expect("the scripts run in bash", workflow["defaults"]["run"]["shell"] == "bash")
        steps = ((job, step) for job in workflow["jobs"].values() for step in job["steps"])
        for job, step in ((job, step) for job, step in steps if "run" in step):
            if self.status == 0:
                given = {**job.get("env", {}), **step.get("env", {})}
                env = {**environment, **{name: self.value(value) for name, value in given.items()}}
                line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
                done = subprocess.run(line, cwd=top / "work", env=env, capture_output=True, text=True, timeout=120)
                self.status, self.said = done.returncode, self.said + done.stdout + done.stderr
        self.page, self.summary, self.version = page.read_text(), summary.read_text(), version.read_text()
        self.calls = [json.loads(line) for line in calls.read_text().splitlines()]
        strays = [str(path) for path in top.rglob("*pwned*")]
        expect("what was given is run", not strays, f"{self.contexts}\n{strays}")

    def value(self, text: Any) -> str:
        """An expression's value: the first of its alternatives that is not empty, as on GitHub."""
        found = re.fullmatch(r"\$\{\{ (.+) \}\}", str(text))
        if not found:
            expect(f"an expression inside {text!r}: this check cannot tell its value", "${{" not in str(text))
            return str(text)
        names = (part.split(".") for part in found[1].split(" || "))
        values = (self.contexts[context].get(name) for context, name in names)
        return next(filter(None, values), "")


SHA = "0b3b1c8e6a3e4c529f1d0d5f6a7b8c9d0e1f2a3b"
SETTINGS = {"VITE_API_BASE": "https://api.example.com", "FRONTEND_BASE_URL": "https://app.example.com"}
SETTINGS |= {"S3_BUCKET": "web-client", "CLOUDFRONT_DISTRIBUTION_ID": "E1EXAMPLE"}

CALLS = """\
npm ci
npm run build
aws s3 sync dist/assets s3://web-client/assets --only-show-errors --cache-control 'public, max-age=31536000, immutable'
aws s3 cp dist s3://web-client --recursive --only-show-errors --exclude assets/* --exclude index.html \
    --exclude version.json --cache-control no-cache
aws s3 cp dist/index.html s3://web-client/index.html --only-show-errors --cache-control no-cache
aws s3 cp dist/version.json s3://web-client/version.json --only-show-errors --cache-control no-cache
aws cloudfront create-invalidation --distribution-id E1EXAMPLE --paths /* --query Invalidation.Id --output text
aws cloudfront wait invalidation-completed --distribution-id E1EXAMPLE --id I2J4EXAMPLE
aws s3 sync dist s3://web-client --delete --size-only --only-show-errors"""
DEPLOYED = [shlex.split(line) for line in CALLS.splitlines()]
VERSION = next(call for call in DEPLOYED if "dist/version.json" in call)


def deploys() -> None:
    def deploy(inputs: dict[str, str] | None, variables: dict[str, str], done: int, fails: str = "nothing") -> Run:
        """A deploy that gets so far."""
        run = Run("client-deploy.yml", inputs, variables, fails)
        seen = [call[:-1] for call in run.calls]
        well = (run.status == 0) == (done == len(DEPLOYED) and fails == "nothing") and seen == DEPLOYED[:done]
        expect(f"{done} calls with {inputs}, {variables}, where {fails} fails", well, f"{run.said}\n{seen}")
        return run

    # A push has no inputs.
    for inputs in (None, {**BENIGN, "VITE_API_BASE": ""}, *({**BENIGN, "VITE_API_BASE": base} for base in FINE)):
        run = deploy(inputs, SETTINGS, len(DEPLOYED))
        base = (inputs or {}).get("VITE_API_BASE") or SETTINGS["VITE_API_BASE"]
        expect("the base that is built with", run.calls[1][-1] == base, run.calls[:2])
        expect("version.json names the commit", json.loads(run.version or "{}") == {"sha": SHA}, run.version)
    for base in [*HOSTILE, ""]:
        # A hostile requester beside it: no script is given that at all.
        run = deploy({"requester": base, "correlation_id": base}, {**SETTINGS, "VITE_API_BASE": base}, 1)
        expect("it is said what is wrong", "VITE_API_BASE is not the https URL" in run.said, run.said)
    for name in ("S3_BUCKET", "CLOUDFRONT_DISTRIBUTION_ID"):
        run = deploy(BENIGN, {**SETTINGS, name: ""}, 2)
        expect(f"{name} is missed before anything is uploaded", name in run.said, run.said)
    for n, call in enumerate(DEPLOYED, 1):
        run = deploy(BENIGN, SETTINGS, n, " ".join(call[1:]))
        early = n < DEPLOYED.index(VERSION) + 1
        expect("version.json comes when the client is there", not (early and run.version), call)


URLS = {"frontend_url": "https://app.example.com/", "api_base": "https://api.example.com/v1"}
INDEX, HEALTH = "app.example.com/index.html", "api.example.com/v1/health"
NOT_ASKED = dict.fromkeys(("Frontend /", "Frontend /index.html", "API /health", "API /hello"), "None not asked")
ATTACK = "</pre><img src=x>|$(touch pwned)`touch pwned`[a](b)\t::error::x \x07&"


def diagnose(inputs: dict[str, str], wrong: dict[str, str], answers: Any = None, variables: Any = None) -> Run:
    """A diagnosis that finds just these checks wrong, each with a status and a detail of this pattern."""
    Site.asked.clear()
    Site.answers, Server.connections = answers or {}, 0
    run = Run("diagnose-dispatch.yml", inputs, variables or {})
    summary = json.loads(run.summary)
    checks = summary["checks"]
    well = summary["version"] == 1 and {*map(tuple, checks)} == {("name", "ok", "status", "detail")}
    expect("the summary's version and fields", well, summary)
    bad = {check["name"]: f"{check['status']} {check['detail']}" for check in checks if not check["ok"]}
    told = bad.keys() == wrong.keys() and all(re.match(pattern, bad[name]) for name, pattern in wrong.items())
    expect(
        f"with {inputs} just this is wrong: {wrong}", told and (run.status != 0) == bool(wrong), f"{bad}\n{run.said}"
    )
    expect("details are short", all(len(check["detail"]) <= 200 for check in checks), summary)
    marks = (run.page.count("✅"), run.page.count("❌"))
    expect("the job's page", marks == (len(checks) - len(bad), len(bad)), run.page)
    return run


def diagnoses(update: bool) -> None:
    with site(90):
        diagnose({**BENIGN, **URLS}, {})
        # Once more each for the certificate.
        asked = ["app.example.com" + path for path in ("/", "/index.html", "/")]
        asked += ["api.example.com" + path for path in ("/v1/health", "/v1/hello", "/v1")]
        expect("what is asked", Site.asked == asked, Site.asked)
        diagnose({}, {}, variables=SETTINGS)
        expect("the repository's variables are asked", "api.example.com/hello" in Site.asked, Site.asked)
        diagnose({}, NOT_ASKED)

        failing = {INDEX: (200, {"cache-control": "public, max-age=600"}), HEALTH: (503, {})}
        run = diagnose(URLS, {"Frontend /index.html": "200 .*max-age=600", "API /health": "503"}, failing)
        sample = re.sub(r"\d+(?= ms| more days)", "42", run.summary)
        if update:
            SAMPLE.write_text(sample)
        expect(f"{SAMPLE.name} is what the script leaves; see --update", SAMPLE.read_text() == sample, sample)

        hostile = {
            "app.example.com/": (302, {"location": "https://169.254.169.254/"}),
            INDEX: (200, {"cache-control": ATTACK * 9}),
            HEALTH: (200, {"content-length": "6000000"}),
        }
        wrong = {"Frontend /": "302", "Frontend /index.html": "200", "API /health": "None no answer: Max"}
        run = diagnose(URLS, wrong, hostile)
        page = run.page.removeprefix("<pre>\n").removesuffix("</pre>\n")
        expect("the job's page has no markup of others", not re.search(r"[<>\x07]", page), page)
        expect("the log has no words of others", "img" not in run.said, run.said)

        for url in HOSTILE + ["https://" + name for name in LOCAL]:
            run = diagnose(dict.fromkeys([*BENIGN, *URLS], url), NOT_ASKED)
            expect(f"{url!r} is not asked", Server.connections == 0, Site.asked)
            expect(f"{url!r} shows no file", "root:" not in run.summary + run.page + run.said, run.said)
        for url in FINE[:3]:
            diagnose({**URLS, "api_base": url}, {})

        # A name that stands for somebody else's server: its certificate is not for that name.
        another = dict.fromkeys(("Frontend /", "Frontend /index.html"), "None no answer: SSL")
        diagnose({**URLS, "frontend_url": "https://rebound.example.com"}, another)
        expect("nothing is asked of it", not any("rebound" in asked for asked in Site.asked), Site.asked)
    with site(5):
        diagnose(URLS, dict.fromkeys(("Frontend certificate", "API certificate"), "None valid for [45] more days$"))


def texts(shellcheck: Path) -> None:
    """What can be told without running anything."""
    files = [*EXAMPLES.glob("*.yml"), *(ROOT / ".github" / "workflows").glob("*.yml")]
    jobs = [(file.name, job) for file in files for job in yaml.safe_load(file.read_text())["jobs"].values()]
    steps = [(file, step) for file, job in jobs for step in job["steps"]]
    for file, step in ((file, step) for file, step in steps if "run" in step):
        where = f"{file}, {step.get('name')}"
        expect(f"{where}: no expression in a script", "${{" not in step["run"])
        # Not SC2153: the variables in capitals are the step's.
        line = [shellcheck, "--shell=bash", "--severity=style", "--exclude=SC2153", "-"]
        done = subprocess.run(line, input=step["run"], capture_output=True, text=True)
        expect(f"{where}: shellcheck", done.returncode == 0, done.stdout + done.stderr)
    names = [step.get("name", "") for file, step in steps if file == "client-deploy.yml"]
    agents = tomllib.loads((ROOT / "agents.toml").read_text())["agent"]
    for pattern in (step for agent in agents for step in agent.get("steps", [])):
        fitting = [name for name in names if pattern["pattern"] in name.lower()]
        expect(f"one step is {pattern['label']}, by agents.toml", fitting == [pattern["label"]], fitting)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shellcheck", type=Path, required=True)
    parser.add_argument("--update", action="store_true", help=f"write {SAMPLE.relative_to(ROOT)} anew")
    given = parser.parse_args()
    texts(given.shellcheck)
    deploys()
    diagnoses(given.update)
    sys.exit("\n".join(failures) or None)


if __name__ == "__main__":
    main()
