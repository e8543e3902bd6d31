"""Tests of what the page does by itself, whatever the bot says."""

from page import MEASURED, test


@test
async def what_is_typed_is_not_lost(start):
    async with start() as page:
        await page.box.focus()
        await page.page.keyboard.type("one")
        await page.page.keyboard.press("Shift+Enter")
        await page.page.keyboard.type("two")
        await page.page.keyboard.press("Enter")
        said = await page.appears(page.page.locator("#messages .content"))
        assert await said.inner_text() == "one\ntwo"
        # Too long: said before it is sent, and all of it stays.
        await page.box.fill("x" * 2001)
        await page.page.locator(".count.over", has_text="-1 characters left").wait_for()
        await page.page.keyboard.press("Enter")
        await page.appears(page.page.locator(".problem", has_text="at most 2000 characters. This one has 2001"))
        assert len(await page.box.input_value()) == 2001 and await page.messages.count() == 1
        # A command over several lines is one all the same.
        await page.box.fill("/deploy-client\nwait:true\nref:")
        await page.page.locator(".option .key", has_text="ref").wait_for()
        await page.page.keyboard.press("Escape")
        await page.page.keyboard.press("Escape")
        await page.box.fill("x" * 2001)
        # Each channel has its draft, whoever is in it.
        await page.become("grace")
        assert len(await page.box.input_value()) == 2001
        await page.become("mallory")
        assert await page.box.input_value() == ""
        await page.box.fill("of another channel")
        await page.become("ada")
        assert len(await page.box.input_value()) == 2001
        await page.box.fill('/deploy-client ref:"a b" wait:')
        await page.page.locator("#picker li", has_text="True").click()
        await page.become("grace")
        await page.page.locator("#theme").click()
        await page.page.reload()
        # The page is as it was left: the command, the person and the theme.
        await page.page.locator("#me-grace:checked").wait_for(state="attached")
        assert await page.page.locator(".chip").inner_text() == "/deploy-client"
        values = "[...document.querySelectorAll('.option input')].map(one => one.value)"
        assert await page.page.evaluate(values) == ["a b", "True"]
        assert await page.page.evaluate("document.documentElement.dataset.theme") == "dark"
        await page.become("mallory")
        assert await page.box.input_value() == "of another channel"
        await page.page.reload()
        await page.page.locator("#me-mallory:checked").wait_for(state="attached")
        assert await page.box.input_value() == "of another channel"


MARKDOWN = {
    "***both*** **bold**": "<em><strong>both</strong></em> <strong>bold</strong>",
    "**two\nlines**": "<strong>two\nlines</strong>",
    "a\n>>> b\n> c\n\nd": "a\n<blockquote>b\n&gt; c\n\nd</blockquote>",
    "> a\n> b\nc": "<blockquote>a\nb</blockquote>c",
    "x ```js\nlet y\n```\nz": "x <pre><code>let y</code></pre>z",
    "```js\n# h\n`a`": '```js\n<div class="heading heading-1">h</div><code>a</code>',
    "5. a\n6. b\n  - c\n7. d": '<ol class="list" start="5"><li>a</li><li>b<ul class="list"><li>c</li></ul></li>'
    "<li>d</li></ol>",
    "snake_case_name _it_": "snake_case_name <em>it</em>",
    "*" * 1999: "<strong><strong>",
}


@test
async def markdown_is_drawn_as_discord_does(start):
    async with start() as page:
        for number, (text, expected) in enumerate(MARKDOWN.items()):
            await page.box.fill(text)
            await page.page.keyboard.press("Enter")
            drawn = page.page.locator("#messages .content").nth(number)
            await drawn.wait_for()
            found = await drawn.inner_html()
            assert found.startswith(expected), (text, found)


# A browser tells a page that nobody sees it; here that is pretended.
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@test
async def a_tab_that_nobody_sees_takes_no_place(start):
    async with start() as page:
        await page.page.evaluate(HIDE, True)
        # With the first one these are as many as a browser has connections to one place.
        for _ in range(6):
            other = await page.tab.new_page()
            await other.goto(page.url)
            await other.locator(".people").wait_for(state="attached")
            await other.evaluate(HIDE, True)
        await other.evaluate(HIDE, False)
        await other.locator("#box").fill("while it was hidden")
        await other.keyboard.press("Enter")
        await other.locator("#messages > li").wait_for()
        assert await page.messages.count() == 0
        for text in ("shown again", "and again"):
            await page.page.evaluate(HIDE, False)
            await page.appears(page.message("while it was hidden"))
            await page.type(text)
            await page.appears(page.message(text))
            await page.page.evaluate(HIDE, True)
        assert await page.messages.count() == 3


@test
async def a_screen_reader_is_told_what_is_new(start):
    hear = """() => {
      window.heard = [];
      const news = document.getElementById('news');
      new MutationObserver(all => all.forEach(one => one.addedNodes.forEach(node => heard.push(node.textContent))))
        .observe(news, {childList: true});
    }"""
    async with start() as page:
        await page.page.evaluate(hear)
        await page.type("/deploy-client wait:true")
        await page.appears(page.page.locator("#messages > li.pinged"))
        heard = await page.page.evaluate("heard")
        whole = [one for one in heard if one.startswith("Deckhand: ")]
        assert len(whole) == await page.messages.count() == 2, heard
        # Of an edit the first line, if that is another one.
        rest = [one for one in heard if one not in whole]
        assert rest and all("\n" not in one for one in rest), heard
        assert all(one != after for one, after in zip(rest, rest[1:], strict=False)), heard
        assert len(rest) <= 6, heard
        # What was there already is not told again.
        await page.page.reload()
        await page.appears(page.page.locator("#messages > li.pinged"))
        await page.become("grace")
        MEASURED["told to a screen reader of a deploy"] = len(heard)


@test
async def a_phone_says_in_each_view_what_is_wrong(start):
    async with start(viewport={"width": 390, "height": 844}) as page:
        await page.type("/deploy-client wait:true")
        await page.appears(page.card("succeeded"))
        # A commit is no page here: the view stays, and says so.
        await page.page.locator("#messages a[href*='/commit/']").first.click()
        await page.page.locator("#status", has_text="On GitHub this is a page").wait_for()
        assert await page.page.locator("#app").get_attribute("data-view") == "channel"
        # A run is one of those in the world.
        await page.page.locator("#messages a[href*='/actions/runs/']").first.click()
        await page.page.locator("#runs summary:focus").wait_for()
        page.process.terminate()
        for view in ("World", "Wire", "Channel"):
            await page.page.locator(".views button", has_text=view).click()
            await page.page.locator("#status", has_text="The playground is gone").wait_for()
        page.problems.clear()


@test
async def the_keyboard_alone_is_enough(start):
    async with start("--scenario", "slow") as page:
        keys = page.page.keyboard
        await keys.press("Tab")
        await keys.press("Enter")
        await keys.press("Tab")
        assert await page.page.evaluate("document.activeElement.id") == "box"
        await keys.type("/dep")
        first = page.page.locator("#picker [aria-selected=true]")
        await first.filter(has_text="/deploy-client").wait_for()
        await keys.press("Tab")
        await page.page.locator("#picker li", has_text="wait").wait_for()
        for _ in range(await page.page.locator("#picker li").count()):
            await keys.press("ArrowDown")
            if "wait" in await first.locator(".item").inner_text():
                break
        await keys.press("Enter")
        await first.filter(has_text="True").wait_for()
        await keys.press("Enter")
        await keys.press("Enter")
        await page.appears(page.card("in progress"))
        for _ in range(40):
            await keys.press("Shift+Tab")
            if await page.page.evaluate("document.activeElement.textContent") == "Cancel":
                break
        await keys.press("Enter")
        await page.appears(page.card("cancelled"))


@test
async def who_types_where_nothing_takes_text_types_a_message(start):
    async with start() as page:
        keys = page.page.keyboard
        await keys.press("Control+a")
        assert await page.page.evaluate("document.activeElement === document.body")
        await keys.type("/age")
        await page.page.locator("#picker [aria-selected=true]", has_text="/agents").wait_for()
        assert await page.page.evaluate("document.activeElement.value") == "/age"


@test
async def options_are_filled_in_as_discord_does(start):
    async with start() as page:
        keys = page.page.keyboard
        await page.type("/deploi-client")
        await page.appears(page.page.locator(".problem", has_text="Did you mean /deploy-client?"))
        await page.box.fill("/deploy-client ref:")
        await page.appears(page.page.locator("#picker li", has_text="release/1.0"))
        await keys.type("rel")
        await page.page.wait_for_function("() => document.querySelectorAll('#picker li').length === 1")
        await page.page.locator("#picker li").click()
        await keys.type("wait:")
        await keys.press("Escape")
        await keys.press("Enter")
        await page.appears(page.page.locator(".problem", has_text="wait"))
        assert await page.messages.count() == 0
        await keys.type("maybe")
        await keys.press("Enter")
        await page.appears(page.page.locator(".problem", has_text="not one of the choices"))
        assert await page.messages.count() == 0
        for _ in "maybe":
            await keys.press("Backspace")
        await keys.type("f")
        await keys.press("Tab")
        await keys.press("Enter")
        await page.appears(page.message("Ada used /deploy-client ref:release/1.0 wait:false"))
