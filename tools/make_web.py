"""Puts beside the browser's pages what is not committed: LiteRT.js, MediaPipe and the shipped models. `make web`.

    python -m tools.make_web [MODEL.tflite …]

`web/vendor/` gets both libraries from npm, of the versions and with the integrity in web/package-lock.json.
`web/models/` gets the shipped models, converted with uint8 borders, which browsers' LiteRT takes, or the files that are
named; and `web/models/for_mediapipe/` two of them for MediaPipe (about a minute each). What is there and newer than its
sources stays.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
BUILD = ROOT / "build" / "web"
# The first one is what the page begins with.
SHIPPED = ("tformer_micro_cifar10_large", "detector_micro_bccd", "segmenter_micro_camvid")
FOR_MEDIAPIPE, MEDIAPIPE = Path("for_mediapipe"), SHIPPED[:2]
# Of both, a browser loads one: with relaxed SIMD, or without.
LITERT_WASM = ("litert_wasm_internal", "litert_wasm_compat_internal")
MEDIAPIPE_WASM = "vision_wasm_internal"
# A worker knows no import map, so the one import between two packages becomes a relative one.
PACKAGE_IMPORT, FILE_IMPORT = 'from "@litertjs/wasm-utils"', 'from "./wasm-utils.js"'


def version(package: str) -> str:
    """Of a package of npm, as web/package.json has it."""
    return str(json.loads((WEB / "package.json").read_text())["dependencies"][package])


def copy_litert(modules: Path, folder: Path) -> None:
    """What the page needs of LiteRT.js, of npm's `modules`."""
    litert, utils = (modules / "@litertjs" / name for name in ("core", "wasm-utils"))
    for name in LITERT_WASM:
        for suffix in (".js", ".wasm"):
            shutil.copy(litert / "wasm" / f"{name}{suffix}", folder / "wasm")
    shutil.copy(utils / "dist" / "index.js", folder / "wasm-utils.js")
    source = (litert / "dist" / "index.js").read_text()
    if len(re.findall(re.escape(PACKAGE_IMPORT), source)) != 1:
        sys.exit(
            "Expected one import between the two packages of LiteRT.js, found others; look at its new version."
        )
    (folder / "index.js").write_text(source.replace(PACKAGE_IMPORT, FILE_IMPORT))


def copy_mediapipe(modules: Path, folder: Path) -> None:
    """What the second page needs of MediaPipe."""
    package = modules / "@mediapipe" / "tasks-vision"
    shutil.copy(package / "vision_bundle.mjs", folder)
    for suffix in (".js", ".wasm"):
        shutil.copy(package / "wasm" / f"{MEDIAPIPE_WASM}{suffix}", folder / "wasm")


LIBRARIES: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "litert": ("@litertjs/core", copy_litert),
    "tasks-vision": ("@mediapipe/tasks-vision", copy_mediapipe),
}


def fetch_libraries() -> list[str]:
    """The folders of both, fetched where one is not there."""
    folders = {f"{name}-{version(package)}": copy for name, (package, copy) in LIBRARIES.items()}
    missing = {name: copy for name, copy in folders.items() if not (WEB / "vendor" / name).exists()}
    if missing:
        if shutil.which("npm") is None:
            sys.exit("Expected npm, found none; install it (on Debian: apt-get install nodejs npm).")
        packages = BUILD / "npm"
        packages.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WEB / name, packages)
        # `ci` takes nothing but what the lock file says; scripts of packages do not run.
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=packages, check=True)
    for name, copy in missing.items():
        whole = WEB / "vendor" / f"{name}.tmp"
        shutil.rmtree(whole, ignore_errors=True)
        (whole / "wasm").mkdir(parents=True)
        copy(BUILD / "npm" / "node_modules", whole)
        whole.rename(WEB / "vendor" / name)
    return list(folders)


def convert(name: Path, *how: str) -> Path:
    """The shipped model of that name as a file, made where it is missing or older than what it is made of."""
    file = WEB / "models" / f"{name}.tflite"
    file.parent.mkdir(parents=True, exist_ok=True)
    package = ROOT / "tformer_keras"
    folders = (package / "deploy", package / "models" / "shipped" / name.name, ROOT / "tformer_edge")
    sources = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    newest = max(path.stat().st_mtime for path in sources if path.suffix not in (".pyc", ".md"))
    if not file.exists() or file.stat().st_mtime < newest:
        command = [sys.executable, ROOT / "converters" / "to_tflite.py", name.name, *how, "--out", file]
        command += ["--picture", BUILD / f"{name.name}.png", "--force"]
        subprocess.run(list(map(str, command)), check=True)
    return file


def list_models(files: list[Path]) -> list[str]:
    """The names of files of one folder, written beside them, where a page reads them."""
    names = [path.stem for path in files]
    (files[0].parent / "index.json").write_text(json.dumps(names) + "\n")
    return names


def main() -> None:
    libraries = fetch_libraries()
    (WEB / "models").mkdir(exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    files = [Path(shutil.copy(name, WEB / "models")) for name in sys.argv[1:]]
    if not files:
        files = [convert(Path(name), "--int8", "--io", "uint8") for name in SHIPPED]
        list_models([convert(FOR_MEDIAPIPE / name, "--for", "mediapipe") for name in MEDIAPIPE])
    names = list_models(files)
    print(
        f"web/ has {', '.join([*libraries, *names])}: copy the folder to any static host, or see it here with"
    )
    print(f"  {Path(sys.executable).name} -m http.server --bind 127.0.0.1 -d web 8000")
    print("and http://127.0.0.1:8000/ in a browser.")


if __name__ == "__main__":
    main()
