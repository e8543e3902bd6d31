"""Tests of the playground's page in Chromium, all at the same time. Run by `browser.rs`.

Each test has a playground of its own, so that none waits for another's runs.
"""

import argparse
import asyncio
import http.client
import json
import sys
import tempfile
import time
from pathlib import Path

import page_tests  # noqa: F401 (its tests are among them)
from page import MEASURED, PATIENCE, TESTS, axe, playground, test
from playwright.async_api import async_playwright

OPTIONS = argparse.ArgumentParser(description=__doc__)
OPTIONS.add_argument("--playground", required=True)
OPTIONS.add_argument("--chromium", required=True)
OPTIONS.add_argument("--axe", required=True)
OPTIONS.add_argument("--only", help="a part of a test's name")

HOSTILE = 'main"><img src=x onerror=alert(1)>**bold**`@everyone`<@810000000000000001>'


@test
async def a_wait_is_followed_to_its_success(start):
    async with start() as page:
        MEASURED["start to usable page, beside other tests"] = f"{page.started:.2f} s"
        await page.type("/deploy-client wait:true")
        await page.appears(page.message("Ada used /deploy-client wait:true"))
        card = await page.appears(page.card("in progress"))
        tick = card.locator("time[data-ticks]").first
        before = await tick.inner_text()
        await page.page.wait_for_function(
            "before => [...document.querySelectorAll('#messages time[data-ticks]')]"
            ".every(one => one.textContent !== before)",
            arg=before,
        )
        await page.page.locator("#runs .run.success").wait_for()
        await page.appears(page.card("succeeded"))
        told = await page.appears(page.page.locator("#messages > li.pinged"))
        assert "@Ada" in await told.inner_text()
        # An edit in place: one message with the card, and one that tells.
        assert await page.messages.count() == 2
        await page.become("grace")
        await page.appears(page.card("succeeded"))
        assert await page.page.locator("#messages > li.pinged").count() == 0
        # What is billed, and both sides of the wire.
        assert await page.page.locator(".wire-line .cost").count() > 0
        for way in ("discord-deckhand", "deckhand-discord", "github-deckhand", "deckhand-github"):
            assert await page.page.locator(f".wire-line.{way}").count() > 0, way


@test
async def a_failure_shows_its_log(start):
    async with start("--scenario", "failure") as page:
        await page.type("/deploy-client wait:true")
        card = await page.appears(page.card("failed"))
        await page.appears(page.page.locator("#messages pre"))
        await page.appears(page.page.locator("#messages button", has_text="Re-run failed jobs"))
        colour = await card.evaluate("node => node.style.getPropertyValue('--accent')")
        assert colour.startswith("#") and len(colour) == 7, colour


@test
async def cancel_by_a_click(start):
    async with start("--scenario", "slow") as page:
        await page.type("/deploy-client wait:true")
        await page.appears(page.card("in progress"))
        await page.become("grace")
        await page.page.locator("#messages button", has_text="Cancel").click()
        card = await page.appears(page.card("cancelled"))
        assert "Grace" in await card.inner_text() or "@Grace" in await card.inner_text()


@test
async def roll_back_by_a_click(start):
    async with start() as page:
        await page.type("/deploy-client wait:true")
        await page.appears(page.card("succeeded"))
        await page.play("failure")
        await page.type("/deploy-client wait:true")
        await page.appears(page.card("failed"))
        await page.play("success")
        back = page.page.locator("#messages button:not(:disabled)", has_text="Roll back")
        await page.appears(back)
        await back.last.click()
        asked = await page.appears(page.page.locator("#messages > li.ephemeral"))
        await asked.locator("button", has_text="Roll back now").click()
        # A deploy of its own: the green run, run again.
        card = await page.appears(page.card("Roll back to").filter(has_text="succeeded"))
        assert "@Ada" in await card.inner_text()


@test
async def a_stranger_is_refused_in_private(start):
    async with start() as page:
        await page.become("mallory")
        await page.type("/deploy-client")
        refused = await page.appears(page.page.locator("#messages > li.ephemeral"))
        text = await refused.inner_text()
        assert "does not take commands here" in text and "Only you can see this" in text, text
        await page.become("ada")
        await page.page.locator("#channel-name", has_text="deploys").wait_for()
        assert await page.messages.count() == 0
        await page.become("mallory")
        await page.page.locator("button", has_text="Dismiss message").click()
        assert await page.messages.count() == 0


@test
async def hostile_text_stays_text(start):
    async with start() as page:
        await page.page.locator("#branch").fill(HOSTILE)
        await page.page.locator("#push").click()
        card = await page.appears(page.page.locator("#messages .container"))
        await page.appears(page.page.locator("#messages .container", has_text="onerror=alert(1)"))
        assert await card.locator("img, strong:has-text('bold')").count() == 0
        await page.type("<b>x</b> <script>alert(1)</script> [x](javascript:alert(1)) **bold**")
        said = await page.appears(page.message("<script>alert(1)</script>"))
        assert await said.locator("b, script, a").count() == 0
        assert await said.locator("strong", has_text="bold").count() == 1
        await page.type(f'/deploy-client ref:"{HOSTILE}"')
        await page.type("/deploy-client ref:release/<img/src=x/onerror=alert(1)>")
        await page.page.wait_for_function("() => document.querySelectorAll('#messages .above .pill').length >= 2")
        assert await page.page.locator("#messages img:not(.avatar)").count() == 0


@test
async def who_sends_or_presses_sees_what_becomes_of_it(start):
    end = "(node => node.scrollHeight - node.scrollTop - node.clientHeight)(document.getElementById('scroller'))"
    async with start("--scenario", "slow", "--webhooks", "off") as page:
        await page.page.set_viewport_size({"width": 1280, "height": 500})
        for _ in range(3):
            await page.type("/agents")
        await page.type("/deploy-client wait:true")
        await page.appears(page.card("in progress"))
        assert await page.page.evaluate(end) < 2
        # A smaller window hides nothing of the end.
        await page.page.set_viewport_size({"width": 1280, "height": 400})
        await page.page.wait_for_function(f"() => {end} < 2")
        # Who reads further up is brought to the end by an own command.
        await page.page.evaluate("document.getElementById('scroller').scrollTop = 0")
        await page.type("/agents")
        await page.page.wait_for_function(f"() => {end} < 2")
        # A pressed button keeps the focus.
        await page.page.locator("#messages button", has_text="Refresh").focus()
        await page.page.keyboard.press("Enter")
        await page.page.locator("#messages button.busy").wait_for(state="detached")
        focused = "document.activeElement.dataset.label"
        assert await page.page.evaluate(focused) == "Refresh", await page.page.evaluate(focused)


@test
async def a_killed_bot_tells_the_outcome_all_the_same(start):
    async with start() as page:
        await page.type("/deploy-client wait:true")
        await page.appears(page.card("in progress"))
        # Not while it works on a delivery: that would be given up only after a minute.
        await asyncio.sleep(1)
        await page.page.locator("#kill").click()
        await page.page.locator("#status", has_text="killed").wait_for()
        await page.type("/agents")
        await page.appears(page.message("The application did not respond"))
        await page.page.locator("#kill:not(:disabled)").wait_for()
        await page.appears(page.card("succeeded"))
        await page.appears(page.page.locator("#messages > li.pinged"))
        await page.type("/agents")
        await page.appears(page.message("Ada used /agents").filter(has_text="Client deploy"))


@test
async def pictures_and_lossy_webhooks(start):
    async with start("--scenario", "busy-week", "--webhooks", "lossy") as page:
        picture = page.page.locator("#messages img.picture")
        late = page.message("The application did not respond")
        # It is the largest thing that there is to compute; on a busy machine it can miss Discord's three seconds.
        for _ in range(3):
            await page.type("/status-digest")
            await page.appears(picture.or_(late))
            if await picture.count():
                break
        picture = picture.last
        assert await picture.evaluate("node => node.complete && node.naturalWidth > 0")
        assert await picture.get_attribute("alt")
        await page.page.locator("#webhooks-off").check(force=True)
        await page.page.locator(".switch .hint", has_text="by itself").wait_for()


@test
async def both_themes_and_a_phone_are_accessible(start):
    script = Path(OPTIONS.parse_args().axe).read_text()
    async with start("--scenario", "failure", color_scheme="dark") as page:
        await page.type("/deploy-client wait:true")
        await page.appears(page.page.locator("#messages pre"))
        await page.type("/agents")
        await page.appears(page.message("Ada used /agents"))
        await page.page.locator("#box").fill("/")
        found = []
        for theme in ("dark", "light"):
            await page.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found += [f"{theme}: {one}" for one in await axe(page.page, script)]
        await page.page.set_viewport_size({"width": 390, "height": 844})
        for view in ("World", "Wire", "Channel"):
            await page.page.locator(".views button", has_text=view).click()
            wide = await page.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{view} is {wide} wide"
            found += [f"phone, {view}: {one}" for one in await axe(page.page, script)]
        MEASURED["axe findings"] = len(found)
        assert not found, "\n".join(found)


def delay(record):
    """How long after its run's end the outcome was posted, by the times of a record."""
    events = [json.loads(line) for line in Path(record).read_text().splitlines()]
    ended = next(one["now"] for one in events if one["t"] == "run" and one["run"]["status"] == "completed")
    told = next(one["now"] for one in events if one["t"] == "message" and one["message"]["pings"])
    return f"{told - ended} ms, of which the webhook takes 100"


@test
async def what_was_recorded_is_shown_again(start):
    with tempfile.TemporaryDirectory() as folder:
        record = str(Path(folder) / "record.jsonl")
        async with start("--record", record) as page:
            await page.type("/deploy-client wait:true")
            await page.appears(page.page.locator("#messages > li.pinged"))
        MEASURED["from a run's end to its outcome in the channel"] = delay(record)
        async with start("--replay", record) as page:
            await page.appears(page.page.locator("#messages > li.pinged"))
            assert await page.box.is_disabled()
            await page.page.locator("#status", has_text="A record").wait_for()
            assert not await page.page.locator("#try").is_visible()
        # A record may be anybody's: what cannot be shown is left out, and that is said.
        lines = Path(record).read_text().splitlines()
        message = next(json.loads(line) for line in lines if '"t":"message"' in line)
        message["message"] |= {"id": "1", "loading": False, "flags": 1 << 15, "components": [{"type": 12}]}
        last = {**message, "message": {**message["message"], "id": "2", "components": [], "flags": 0, "content": "end"}}
        Path(record).write_text("\n".join([lines[0], json.dumps(message), json.dumps(last)]))
        async with start("--replay", record) as page:
            await page.appears(page.message("end"))
            await page.page.locator("#status", has_text="1 of its events cannot be shown").wait_for()
        unrecorded = {"t": "unrecorded", "now": last["now"], "why": "no space left"}
        Path(record).write_text("\n".join([lines[0], json.dumps(unrecorded)]))
        async with start("--replay", record) as page:
            await page.page.locator("#status", has_text="Nothing is recorded any more: no space left").wait_for()


@test
async def a_team_s_own_agents_can_be_tried(start):
    agents = """
[[agent]]
id = "ship"
name = "Ship it"
description = "Ships the shop"
command = "ship"
kind = "deploy"
workflow = "ship.yml"
allowed_roles = ["42"]

[[agent.inputs]]
option = "place"
input = "place"
kind = "string"
choices = ["staging", "production"]
required = true
description = "Where to"
"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "agents.toml"
        file.write_text(agents)
        async with start("--agents", str(file)) as page:
            await page.box.fill("/ship ")
            await page.page.keyboard.press("Escape")
            await page.page.keyboard.press("Enter")
            await page.appears(page.page.locator(".problem", has_text="place: This option is required"))
            await page.page.keyboard.type("prod")
            await page.appears(page.page.locator("#picker li", has_text="production"))
            await page.page.keyboard.press("Tab")
            await page.page.keyboard.press("Enter")
            await page.appears(page.card("Ship it"))
            await page.become("grace")
            await page.type("/ship place:staging")
            await page.appears(page.page.locator("#messages > li.ephemeral"))
            # The line to begin with is one of theirs.
            await page.page.locator("#try", has_text="/ship wait:true").click()
            await page.appears(page.page.locator(".chip", has_text="/ship"))


@test
async def other_sites_are_refused(start):
    async with start() as page:
        port = int(page.url.rsplit(":", 1)[1].strip("/"))
        token = await page.page.locator("meta[name=playground-token]").get_attribute("content")

        def status(method, path, **headers):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, json.dumps({"branch": "main"}), named)
            return connection.getresponse().status

        own = f"http://127.0.0.1:{port}"
        good = {"Origin": own, "X_Playground": token, "Content_Type": "application/json"}
        assert status("GET", "/") == 200
        assert status("GET", "/", Host=f"evil.example:{port}") == 403
        assert status("GET", "/events", Origin="http://evil.example") == 403
        assert status("POST", "/do/push", **good) == 200
        assert status("POST", "/do/push", **{**good, "Origin": "http://evil.example"}) == 403
        assert status("POST", "/do/push", **{**good, "X_Playground": "x"}) == 403


LONG = [
    roll_back_by_a_click,
    a_killed_bot_tells_the_outcome_all_the_same,
    what_was_recorded_is_shown_again,
]


async def run(function, browser, options):
    began = time.monotonic()
    try:

        def start(*given, **context):
            return playground(browser, options.playground, *given, **context)

        await asyncio.wait_for(function(start), 3 * PATIENCE / 1000)
    except Exception as error:
        return f"FAILED {function.__name__}: {type(error).__name__}: {error}"
    print(f"ok {function.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    return None


async def main():
    options = OPTIONS.parse_args()
    chosen = [one for one in TESTS if not options.only or options.only in one.__name__]
    # The longest first: then no place is left idle at the end.
    chosen.sort(key=lambda one: one not in LONG)
    # A few at a time: each is a browser tab and two processes.
    places = asyncio.Semaphore(4)

    async def in_turn(function, browser):
        async with places:
            return await run(function, browser, options)

    async with async_playwright() as playwright:
        # The page is our own, and in a container the sandbox has no rights.
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        failed = await asyncio.gather(*(in_turn(one, browser) for one in chosen))
        await browser.close()
    for name, value in MEASURED.items():
        print(f"{name}: {value}")
    failed = [one for one in failed if one]
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
