"""The page in Chromium: answers, what goes wrong and says so in one sentence, the camera, and no network."""

import base64
import dataclasses
import hashlib
import io
import random
import re
import shutil
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.fuzz.byte_mutations import mutate
from tests.web.conftest import SECONDS, WEB, serve
from tests.web.pictures import photographs
from tformer_edge import Model
from tformer_edge.contract import read_model_file, write_model_file

EXAMPLES = Path(__file__).parents[1] / "contract" / "examples"
DAMAGED = 24
SENTENCE = re.compile(r"Expected .+, received .+; .+\.", re.DOTALL)


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


def choose(page: Any, what: str, name: str, data: bytes) -> None:
    """Chooses a file, as a person would."""
    page.set_input_files(
        f"#{what}-file", {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def trouble(page: Any) -> str:
    """The one sentence that the page shows; nothing else goes on."""
    expect(page.locator("#trouble")).to_be_visible()
    said = str(page.inner_text("#trouble"))
    assert SENTENCE.fullmatch(said), said
    return said


def picture_file(width: int, height: int, kind: str = "JPEG") -> bytes:
    """A picture of one colour, which takes little room however large it is."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(out, kind)
    return out.getvalue()


def test_every_task_answers_a_photo(visit: Callable[..., Any], models: list[Path]) -> None:
    page = visit()
    page.set_input_files("#picture-file", photographs()[0])
    for path in models:
        page.select_option("#shipped", label=path.stem)
        expect(page.locator("#facts")).to_contain_text(path.stem)
        expect(page.locator("#state")).to_be_empty()
        with Model(path, threads=1) as model:
            answer = model.predict(photographs()[0])
        said = page.inner_text("#said")
        if hasattr(answer, "top"):
            shown = [f"{one.label}\n{100 * one.probability:.1f} %" for one in answer.top]
            assert said.startswith(answer.label if answer.sure else f"Not sure; perhaps {answer.label}")
        elif hasattr(answer, "areas"):
            shown = [f"{one.label}\n{100 * one.share:.1f} %" for one in answer.areas]
        else:
            shown = [f"{one.label}\n{100 * one.score:.0f} %" for one in list(answer)[:3]]
        assert all(line in said for line in shown), said
        assert re.search(r"[0-9.]+ ms: [0-9.]+ prepare, [0-9.]+ model, [0-9.]+ read", said)
        page.click("#self-test")
        expect(page.locator("#self-test-result")).to_contain_text(
            re.compile(r"(\d+) of \1 golden vectors agree")
        )
        assert page.locator("#trouble").is_hidden()


def test_a_picture_before_its_model(visit: Callable[..., Any], browser: Any, site: str) -> None:
    """Who is quicker than the page gets the answer too."""
    page = browser.new_context().new_page()
    page.goto(site)
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#said .verdict")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("json_2000_deep.tflite", "up to 16 deep"),
        ("comment.tflite", "the zip's end record"),
        ("empty.tflite", "TFL3"),
    ],
)
def test_hostile_files_are_refused(visit: Callable[..., Any], name: str, reason: str) -> None:
    page = visit()
    choose(page, "model", name, (EXAMPLES / name).read_bytes())
    assert reason in trouble(page)
    # The model before it still answers.
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#answer")).to_be_visible()


def test_models_that_no_browser_runs_are_refused(
    visit: Callable[..., Any], models: list[Path], tmp_path: Path
) -> None:
    page = visit()
    # A sound contract around a flatbuffer of filler: int8, and no graph.
    choose(page, "model", "filler.tflite", (EXAMPLES / "good.tflite").read_bytes())
    assert "flatbuffer" in trouble(page)
    # Without a contract nothing vouches for the flatbuffer.
    with Model(models[0], threads=1) as model:
        choose(page, "model", "bare.tflite", model.file.flatbuffer)
    assert "a model file with a contract, received one without" in trouble(page)
    choose(page, "model", "text.tflite", b"no model at all")
    assert "'TFL3' at byte 4" in trouble(page)


def test_damaged_flatbuffers_end_in_a_sentence(visit: Callable[..., Any], models: list[Path]) -> None:
    """What a stranger does: a contract made anew around a damaged flatbuffer. It is refused, or answers."""
    file = read_model_file(models[-1])
    assert file.contract is not None
    draw = random.Random(2031)
    files = []
    for _ in range(DAMAGED):
        # Graph and tensors stand at both ends, constants between.
        start = draw.choice((0, len(file.flatbuffer) - 20_000, 0))
        flatbuffer = mutate(file.flatbuffer, start, start + 20_000, draw)
        digest = hashlib.sha256(flatbuffer).hexdigest()
        contract = dataclasses.replace(
            file.contract, flatbuffer_bytes=len(flatbuffer), flatbuffer_sha256=digest, golden=()
        )
        files.append(base64.b64encode(write_model_file(flatbuffer, contract, file.labels)).decode("ascii"))
    page = visit()
    ends = page.evaluate(
        """async (files) => {
          const { Client } = await import('/engine/client.js');
          const ends = [];
          for (const text of files) {
            const client = new Client();
            const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
            try {
              await client.call('open', data);
              await client.call('answer', { width: 1, height: 1, pixels: new Uint8Array(3) });
              ends.push('answers');
            } catch (error) {
              ends.push(`${error.name}: ${error.message}`);
            }
            client.stop(new Error('done'));
          }
          return ends;
        }""",
        files,
    )
    refused = [one for one in ends if one != "answers"]
    print("\n" + "\n".join(sorted(set(refused))))
    assert len(refused) >= DAMAGED // 4
    for one in refused:
        assert re.fullmatch(r"UserError: Expected .+, received .+; .+\.", one), one
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#answer")).to_be_visible()


def test_pictures_that_are_none_or_huge(visit: Callable[..., Any]) -> None:
    page = visit()
    choose(page, "picture", "text.jpg", b"no picture")
    assert "received a file that this browser does not open as one" in trouble(page)
    choose(page, "picture", "cut.jpg", photographs()[0].read_bytes()[:300])
    trouble(page)
    # Hundreds of megapixels in few bytes: refused by their headers, by the page, or by the browser before it.
    choose(page, "picture", "bomb.png", empty_png(17_000, 17_000))
    assert "Expected a picture of up to 268 million pixels, received 17000 × 17000" in trouble(page)
    choose(page, "picture", "bomb.png", empty_png(60_000, 60_000))
    assert "picture" in trouble(page)
    # 48 megapixels, as telephones make them: halved.
    choose(page, "picture", "large.jpg", picture_file(8000, 6000))
    expect(page.locator("#said")).to_contain_text("made this picture 2 times smaller first: 4000 × 3000")
    # One line of pixels.
    choose(page, "picture", "line.png", picture_file(3000, 1, "PNG"))
    expect(page.locator("#said")).not_to_contain_text("smaller")
    assert page.locator("#trouble").is_hidden()


def empty_png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel: 37 kB for 289 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_camera(visit: Callable[..., Any]) -> None:
    page = visit(permissions=["camera"])
    page.click("#camera")
    expect(page.locator("#said")).to_contain_text("pictures a second")
    assert page.get_attribute("#camera", "aria-pressed") == "true"
    assert page.get_attribute("#said", "aria-live") == "off"
    page.click("#camera")
    assert page.get_attribute("#camera", "aria-pressed") == "false"
    # A photo instead of it.
    page.click("#camera")
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#camera")).to_have_text("Use the camera")
    expect(page.locator("#said")).not_to_contain_text("pictures a second")


@pytest.mark.parametrize("instead", ["picture", "click"])
def test_a_camera_that_starts_late_stays_off(visit: Callable[..., Any], instead: str) -> None:
    """Whoever chose a photo, or changed their mind, while the browser asked for leave is not filmed afterwards."""
    page = visit(permissions=["camera"])
    page.evaluate("""() => {
      const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      const leave = new Promise((resolve) => { window.allow = resolve; });
      navigator.mediaDevices.getUserMedia = async (asked) => {
        await leave;
        window.stream = await given(asked);
        return window.stream;
      };
    }""")
    page.click("#camera")
    if instead == "picture":
        page.set_input_files("#picture-file", photographs()[0])
        expect(page.locator("#answer")).to_be_visible()
    else:
        page.click("#camera")
    off = """async (patience) => {
      window.allow();
      const ended = () => window.stream?.getTracks().every((track) => track.readyState === 'ended');
      const until = performance.now() + patience;
      while (!ended() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
      return ended();
    }"""
    assert page.evaluate(off, 1000 * SECONDS)
    assert page.get_attribute("#camera", "aria-pressed") == "false"
    expect(page.locator("#state")).to_have_text("" if instead == "picture" else "Choose a picture.")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#said")).not_to_contain_text("pictures a second")


def test_camera_refused_and_missing(visit: Callable[..., Any], launch: Callable[..., Any]) -> None:
    page = visit()
    page.click("#camera")
    assert "leave to use the camera, received a refusal" in trouble(page)
    assert page.get_attribute("#camera", "aria-pressed") == "false"
    page = visit(other=launch(), permissions=["camera"])
    page.click("#camera")
    assert "Expected a camera, received none" in trouble(page)


def test_offline_once_loaded(visit: Callable[..., Any]) -> None:
    with serve() as address:
        page = visit(address)
        page.wait_for_timeout(500)
    # The server is gone.
    page.reload()
    expect(page.locator("#state")).to_have_text("Choose a picture.")
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#answer")).to_be_visible()
    # A model that was never fetched is not there.
    page.select_option("#shipped", label="segmenter_micro_camvid")
    assert "that model beside this page" in trouble(page)


def test_before_make_web(visit: Callable[..., Any], browser: Any, tmp_path: Path) -> None:
    """Without what is fetched, the page says what to do."""
    folder = tmp_path / "web"
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("vendor", "models"))
    with serve(folder) as address:
        page = browser.new_context().new_page()
        page.goto(address)
        assert "run make web" in trouble(page)
        page.context.close()


def test_nothing_reaches_another_host(visit: Callable[..., Any]) -> None:
    """Neither the page nor its worker can, whatever a script in them tries; all other tests see that neither tries."""
    page = visit(watched=False)
    attempts = """async (elsewhere) => {
      const reached = async (work) => { try { await work(); return true; } catch { return false; } };
      const image = new Image();
      const ask = `fetch('${elsewhere}', { mode: 'no-cors' })`;
      const script = `${ask}.then(() => postMessage('reached'), () => postMessage('refused'))`;
      const worker = new Worker(URL.createObjectURL(new Blob([script])));
      const violations = [];
      document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective));
      const results = [
        await reached(() => fetch(elsewhere, { mode: 'no-cors' })),
        await reached(() => import(elsewhere + 'a.js')),
        await reached(() => { image.src = elsewhere; return image.decode(); }),
        (await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); })) === 'reached',
      ];
      return [results, violations];
    }"""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        results, violations = page.evaluate(attempts, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert results == [False] * 4
    assert {"connect-src", "img-src", "script-src-elem"} <= set(violations)


def test_labels_of_other_scripts(visit: Callable[..., Any], models: list[Path]) -> None:
    """Hebrew and markup in labels: shown as they are, each in its own direction, and the percentage stays behind it."""
    page = visit()
    lines = page.evaluate("""async () => {
      const { showAnswer } = await import('/page/answer_view.js');
      const place = document.getElementById('said');
      document.getElementById('answer').hidden = false;
      const top = ['חתול 1', '<b>dog</b>', 'قطة'].map((label, index) => ({ index, label, score: 1, probability: 0.5 }));
      const milliseconds = { prepare: 1, run: 1, read: 1 };
      showAnswer(place, { task: 'classification', sure: true, top, milliseconds }, [], []);
      return [...place.querySelectorAll('li')].map((line) => {
        const [label, share] = [line.querySelector('bdi'), line.querySelector('.share')];
        const [one, other] = [label.getBoundingClientRect(), share.getBoundingClientRect()];
        return [label.textContent, share.textContent, one.right <= other.left];
      });
    }""")
    assert lines == [["חתול 1", "50.0 %", True], ["<b>dog</b>", "50.0 %", True], ["قطة", "50.0 %", True]]


def test_keyboard_and_names(visit: Callable[..., Any]) -> None:
    """All controls have names, and are reached one after the other by the keyboard."""
    page = visit()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    wanted = ["shipped", "model-file", "picture-file", "camera", "self-test", "SUMMARY", "SUMMARY"]
    assert [one for one in reached if one in wanted][: len(wanted)] == wanted
    tree = page.locator("body").aria_snapshot()
    for name in (
        "Shipped model",
        "Or a file of yours",
        "A photo",
        "Use the camera",
        "Compare with the maker's outputs",
    ):
        assert name in tree


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_and_dark(visit: Callable[..., Any], width: int, scheme: str) -> None:
    """Nothing stands beside the screen, and text is legible: WCAG's 4.5 : 1 at least."""
    page = visit(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    page.set_input_files("#picture-file", photographs()[0])
    expect(page.locator("#answer")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    names = ["h1", "header p", "label", "#camera", "#said .times", "dt", "dd", ".hint"]
    pairs = page.evaluate(
        """(names) => names.map((name) => {
      const element = document.querySelector(name);
      let ground = element;
      const of = (one) => getComputedStyle(one);
      while (/, 0\\)$|transparent/.test(of(ground).backgroundColor)) ground = ground.parentElement;
      const numbers = (text) => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
      return [name, numbers(of(element).color), numbers(of(ground).backgroundColor), of(element).transitionDuration];
    })""",
        names,
    )
    for name, ink, ground, duration in pairs:
        assert contrast(ink, ground) >= 4.5, name
        assert duration == "0s"


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2.2's ratio of two sRGB colours, 0 to 255."""

    def luminance(colour: list[float]) -> float:
        parts = np.array(colour) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
