"""A static server over web/, and Debian's Chromium to look at it with."""

import functools
import http.server
import importlib.util
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
# chromium-headless-shell has no cameras.
CHROMIUM = "chromium"
# A browser begins with the camera that Chromium draws, and asks nobody whether the page may have it: a context decides.
CAMERA = "--use-fake-device-for-media-stream"
SECONDS = 90


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def serve(folder: Path = WEB) -> Iterator[str]:
    """The address of a folder, as `python -m http.server` serves it."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def models() -> list[Path]:
    """Those that the page offers."""
    index = WEB / "models" / "index.json"
    if not index.exists():
        pytest.skip("needs the page's models: make web")
    return [index.with_name(f"{name}.tflite") for name in json.loads(index.read_text())]


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Any]]:
    """Starts a browser with more arguments; all of them end with the session."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("needs playwright: pip install 'tformer-keras[web]'")
    program = shutil.which(CHROMIUM)
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * SECONDS)
    with sync_playwright() as playwright:
        browsers = []

        def start(*arguments: str) -> Any:
            # The sandbox needs rights that a container lacks; the pages here are our own.
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *arguments])
            browsers.append(browser)
            return browser

        yield start
        for browser in browsers:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Any]) -> Any:
    return launch(CAMERA)


@pytest.fixture
def visit(browser: Any, site: str, models: list[Path]) -> Iterator[Callable[..., Any]]:
    """Opens the page in a fresh profile, until it asks for a picture; its errors and calls to others fail the test."""
    from playwright.sync_api import expect

    contexts: list[Any] = []
    wrong: list[str] = []

    def start(address: str = site, other: Any = None, watched: bool = True, **options: Any) -> Any:
        context = (other or browser).new_context(**options)
        contexts.append(context)
        context.set_default_timeout(1000 * SECONDS)
        if watched:
            own = (address, "blob:", "data:")
            context.on("request", lambda one: one.url.startswith(own) or wrong.append(one.url))
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        expect(page.locator("#state")).to_have_text("Choose a picture.")
        return page

    yield start
    for context in contexts:
        context.close()
    assert not wrong
