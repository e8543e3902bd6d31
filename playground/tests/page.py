"""The playground's page as a person uses it: started, looked at, typed into."""

import asyncio
import json
import re
import time
from contextlib import asynccontextmanager

# How long anything may take on a busy machine.
PATIENCE = 60_000

TESTS = []
# What was counted and timed on the way.
MEASURED = {}


def test(function):
    TESTS.append(function)
    return function


class Page:
    """One playground with its page in a browser context of its own."""

    def __init__(self, url, page, process, started):
        self.url = url
        self.page = page
        self.tab = page.context
        self.process = process
        # Seconds from the start of the program to a page that can be used.
        self.started = started
        self.problems = []
        self.requests = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message):
        # A refused action is what a test asked for.
        if message.type == "error" and "status of 400" not in message.text:
            self.problems.append(f"console: {message.text}")

    @property
    def box(self):
        return self.page.locator("#box")

    @property
    def messages(self):
        return self.page.locator("#messages > li")

    def message(self, text):
        return self.messages.filter(has_text=text)

    def card(self, text):
        return self.page.locator("#messages .container").filter(has_text=text)

    async def type(self, text):
        await self.box.focus()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")
        # Enter chose the command; another one sends it.
        if text.startswith("/") and " " not in text and await self.page.locator(".chip").count():
            await self.page.keyboard.press("Enter")

    async def become(self, name):
        await self.page.locator(f"#me-{name}").check(force=True)

    async def play(self, scenario):
        await self.page.locator("#scenario").select_option(scenario)
        await self.page.wait_for_function("name => document.querySelector('#scenario').value === name", arg=scenario)

    async def appears(self, locator, timeout=PATIENCE):
        await locator.last.wait_for(state="visible", timeout=timeout)
        return locator.last


@asynccontextmanager
async def playground(browser, program, *options, **context):
    """Starts a playground, and opens its page as its address says."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        program, *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    tab = None
    try:
        said = b""
        while not (url := re.search(rb"http://127\.0\.0\.1:\d+/", said)):
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, f"the playground ended: {said.decode()}"
            said += line
        tab = await browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **context})
        tab.set_default_timeout(PATIENCE)
        opened = await tab.new_page()
        page = Page(url.group().decode(), opened, process, 0)
        await opened.goto(page.url)
        await page.box.wait_for()
        await opened.locator("#scenario, .people").first.wait_for(state="attached")
        page.started = time.monotonic() - began
        yield page
        assert not page.problems, page.problems
        foreign = [one for one in page.requests if not one.startswith((page.url, "blob:"))]
        assert not foreign, f"the page asked elsewhere: {foreign}"
    finally:
        if tab:
            await tab.close()
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


async def axe(page, script):
    """What axe-core finds serious."""
    # In a world of its own: the page's policy lets no other script in.
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Page.getFrameTree")
    world = await session.send("Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"]})
    context = world["executionContextId"]
    await session.send("Runtime.evaluate", {"expression": script, "contextId": context})
    run = "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))"
    found = await session.send(
        "Runtime.evaluate",
        {"expression": run, "contextId": context, "awaitPromise": True, "returnByValue": True},
    )
    assert "exceptionDetails" not in found, found
    violations = json.loads(found["result"]["value"])
    await session.detach()
    return [
        f"{one['impact']}: {one['id']} at {node['target']}: {node.get('failureSummary', '')}"
        for one in violations
        for node in one["nodes"]
    ]
