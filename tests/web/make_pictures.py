"""Pictures of the page for the documentation, and what README says of it: its weight, and the time to the first answer.

    python -m tests.web.make_pictures [docs/web]

Without a folder it measures alone. Look at each picture.
"""

import gzip
import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.android.cell_pictures import cell_picture
from tests.web.conftest import CHROMIUM, SECONDS, WEB, serve
from tests.web.pictures import photographs, png

DESKTOP, PHONE = (1000, 680), (390, 780)
# (name, model, picture, window, light or dark)
SCENES = (
    ("desktop_light", "segmenter_micro_camvid", photographs()[0].read_bytes(), DESKTOP, "light"),
    ("desktop_dark", "detector_micro_bccd", png(cell_picture(1)), DESKTOP, "dark"),
    ("phone_light", "tformer_micro_cifar10_large", photographs()[1].read_bytes(), PHONE, "light"),
    ("phone_dark", "detector_micro_bccd", png(cell_picture(4)), PHONE, "dark"),
)
QUALITY = 72
VISITS = 5


@contextmanager
def chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=f"/usr/bin/{CHROMIUM}", args=["--no-sandbox"])
        yield browser
        browser.close()


def choose(page: Any, data: bytes) -> None:
    page.set_input_files("#picture-file", {"name": "photo", "mimeType": "image/png", "buffer": data})
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#state")).to_be_empty()


def pictures(browser: Any, address: str, folder: Path) -> None:
    """Writes one picture a scene."""
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for name, model, photo, (width, height), scheme in SCENES:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.goto(address)
        expect(page.locator("#state")).to_have_text("Choose a picture.")
        page.select_option("#shipped", label=model)
        expect(page.locator("#facts")).to_contain_text(model)
        choose(page, photo)
        page.evaluate("document.getElementById('answer').scrollIntoView({ block: 'end' })")
        file = folder / f"{name}.jpg"
        # A PNG of photographs takes three times the room.
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(
            file, quality=QUALITY, optimize=True, progressive=True
        )
        total += file.stat().st_size
        page.close()
    print(f"{len(SCENES)} pictures, {total:,} bytes")


def weigh(browser: Any, address: str) -> None:
    """Prints what a first visit loads, and the seconds from the address to an answer, of first and later visits."""
    photo = photographs()[0].read_bytes()
    for kind in ("first", "later"):
        seconds = []
        for visit in range(VISITS):
            if kind == "first" or visit == 0:
                context = browser.new_context()
                page = context.new_page()
                if kind == "later":
                    page.goto(address)
                    choose(page, photo)
            loaded: set[str] = set()
            context.on("response", lambda one, loaded=loaded: loaded.add(one.url))
            started = time.monotonic()
            page.goto(address)
            choose(page, photo)
            seconds.append(time.monotonic() - started)
        print(f"{kind} visits, seconds to an answer: {', '.join(f'{one:.2f}' for one in sorted(seconds))}")
        if kind == "first":
            names = {url.removeprefix(address) for url in loaded if url.startswith(address)}
            files = [WEB / (name or "index.html") for name in sorted(names)]
            sizes = [(file.stat().st_size, len(gzip.compress(file.read_bytes()))) for file in files]
            print(
                f"{len(files)} files, {sum(one for one, _ in sizes):,} bytes, {sum(one for _, one in sizes):,} by gzip"
            )


def main() -> None:
    expect.set_options(timeout=1000 * SECONDS)
    with serve() as address, chromium() as browser:
        if len(sys.argv) > 1:
            pictures(browser, address, Path(sys.argv[1]))
        else:
            weigh(browser, address)


if __name__ == "__main__":
    main()
