"""What the page is made of: complete offline, of one version of LiteRT.js, and with no word of another host."""

import json
import re

from tests.web.conftest import WEB
from tools.make_web import version

FETCHED = ("vendor", "models")
SOURCES = sorted(
    path
    for path in WEB.rglob("*")
    if path.is_file() and path.relative_to(WEB).parts[0] not in FETCHED and path.suffix != ".json"
)


def test_the_service_worker_keeps_every_file() -> None:
    text = (WEB / "offline.js").read_text()
    listed = re.findall(r"'([^']+)'", text[text.index("const PAGE") : text.index("];")])
    names = {path.relative_to(WEB).as_posix() for path in SOURCES}
    # Browsers keep a service worker themselves; ./ is index.html.
    assert sorted(listed) == sorted((names - {"offline.js", "index.html"}) | {"./"})


def test_one_version_of_each_library_with_its_integrity() -> None:
    for module, name, package in (
        ("litert", "litert", "@litertjs/core"),
        ("mediapipe", "tasks-vision", "@mediapipe/tasks-vision"),
    ):
        assert f"{name}-{version(package)}/" in (WEB / "engine" / f"{module}.js").read_text()
    wanted = json.loads((WEB / "package.json").read_text())["dependencies"]
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = {name.removeprefix("node_modules/"): one for name, one in lock["packages"].items() if name}
    assert {name: one["version"] for name, one in packages.items()} == wanted
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())


def test_files_are_short_and_name_no_other_host() -> None:
    assert len(SOURCES) > 30
    for path in SOURCES:
        text = path.read_text()
        assert len(text.splitlines()) < 250, path
        assert not re.search(r"\bhttps?://|[\"'`]//", text), path
