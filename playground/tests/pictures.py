"""Makes the pictures of the README from the playground's page. Look at each before it is committed.

    .ci/.cache/browser/bin/python -m pip install pillow  (or uv)
    .ci/.cache/browser/bin/python playground/tests/pictures.py --playground target/debug/playground \
        --chromium /usr/bin/chromium docs/pictures
"""

import argparse
import asyncio
import io
import sys
import time
from pathlib import Path

from page import playground
from PIL import Image
from playwright.async_api import async_playwright

SIZE = {"width": 1280, "height": 800}
SHORT = {"width": 1060, "height": 640}
# Of the animation: a picture this often, in milliseconds.
EVERY = 250


def save(picture, file):
    """As a palette: the page has few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(colors=200, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size // 1000} kB")


async def still(start, folder, theme):
    """A failure beside the run that failed."""
    async with start("--scenario", "failure", viewport=SIZE, color_scheme=theme) as page:
        await page.type("/deploy-client wait:true ref:release/1.0")
        await page.appears(page.page.locator("#messages pre"))
        await page.appears(page.page.locator("#messages button", has_text="Re-run failed jobs"))
        await page.page.mouse.move(0, 0)
        await asyncio.sleep(1)
        save(await page.page.screenshot(), folder / f"playground-{theme}.png")


async def phone(start, folder):
    async with start(viewport={"width": 390, "height": 780}, color_scheme="dark") as page:
        await page.type("/deploy-client wait:true")
        await page.appears(page.page.locator("#messages > li.pinged"))
        await asyncio.sleep(1)
        save(await page.page.screenshot(), folder / "playground-phone.png")


async def moving(start, folder):
    """A deploy from its first letter to its outcome."""
    async with start(viewport=SHORT, color_scheme="dark") as page:
        frames, times = [], []
        done = asyncio.Event()

        async def film():
            while not done.is_set():
                frames.append(await page.page.screenshot(type="png"))
                times.append(time.monotonic())
                await asyncio.sleep(EVERY / 1000)

        filming = asyncio.create_task(film())
        await page.box.focus()
        await page.page.keyboard.type("/dep", delay=220)
        await asyncio.sleep(0.7)
        await page.page.keyboard.press("Enter")
        await asyncio.sleep(0.5)
        await page.page.keyboard.type("wait:", delay=120)
        await asyncio.sleep(0.5)
        await page.page.keyboard.press("Enter")
        await asyncio.sleep(0.4)
        await page.page.keyboard.press("Enter")
        await page.appears(page.page.locator("#messages > li.pinged"))
        await asyncio.sleep(2.5)
        done.set()
        await filming
        images = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
        lasts = [int((later - earlier) * 1000) for earlier, later in zip(times, times[1:], strict=False)]
        file = folder / "playground.webp"
        images[0].save(
            file,
            save_all=True,
            append_images=images[1:],
            duration=[*lasts, 3000],
            loop=0,
            lossless=True,
            method=6,
        )
        print(f"{file}: {len(images)} pictures, {file.stat().st_size // 1000} kB")


async def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--playground", required=True)
    options.add_argument("--chromium", required=True)
    options.add_argument("folder", type=Path)
    options = options.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])

        def start(*given, **context):
            return playground(browser, options.playground, *given, **context)

        for theme in ("dark", "light"):
            await still(start, options.folder, theme)
        await phone(start, options.folder)
        await moving(start, options.folder)
        await browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
