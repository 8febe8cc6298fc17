"""Puts beside the browser's page what is not committed: LiteRT.js and the shipped models. `make web`.

    python -m tools.make_web [MODEL.tflite …]

`web/vendor/` gets LiteRT.js from npm, of the version in web/package.json and the integrity in web/package-lock.json.
`web/models/` gets the shipped models, converted with uint8 borders, which browsers' LiteRT takes (about a minute
each), or the files that are named. What is there and newer than its sources stays.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
# The first one is what the page begins with.
SHIPPED = ("tformer_micro_cifar10", "detector_micro_bccd", "segmenter_micro_camvid")
# Of both, a browser loads one: with relaxed SIMD, or without.
WASM = ("litert_wasm_internal", "litert_wasm_compat_internal")
# A worker knows no import map, so the one import between the two packages becomes a relative one.
PACKAGE_IMPORT, FILE_IMPORT = '"@litertjs/wasm-utils"', '"./wasm-utils.js"'


def version() -> str:
    """Of LiteRT.js, as web/package.json has it."""
    return str(json.loads((WEB / "package.json").read_text())["dependencies"]["@litertjs/core"])


def fetch_litert() -> Path:
    """The folder of LiteRT.js, fetched where it is not there."""
    folder = WEB / "vendor" / f"litert-{version()}"
    if folder.exists():
        return folder
    if shutil.which("npm") is None:
        sys.exit("Expected npm, found none; install it (on Debian: apt-get install nodejs npm).")
    packages = ROOT / "build" / "web" / "npm"
    packages.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, packages)
    # `ci` takes nothing but what the lock file says; scripts of packages do not run.
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=packages, check=True
    )
    litert, utils = (packages / "node_modules" / "@litertjs" / name for name in ("core", "wasm-utils"))
    whole = folder.with_suffix(".tmp")
    shutil.rmtree(whole, ignore_errors=True)
    (whole / "wasm").mkdir(parents=True)
    for name in WASM:
        for suffix in (".js", ".wasm"):
            shutil.copy(litert / "wasm" / f"{name}{suffix}", whole / "wasm")
    shutil.copy(utils / "dist" / "index.js", whole / "wasm-utils.js")
    source = (litert / "dist" / "index.js").read_text()
    if len(re.findall(f"from {PACKAGE_IMPORT}", source)) != 1:
        sys.exit(
            f"Expected one import of {PACKAGE_IMPORT} in LiteRT.js, found others; look at its new version."
        )
    (whole / "index.js").write_text(source.replace(f"from {PACKAGE_IMPORT}", f"from {FILE_IMPORT}"))
    whole.rename(folder)
    return folder


def convert(name: str) -> Path:
    """The shipped model of that name as a file, made where it is missing or older than what it is made of."""
    file = WEB / "models" / f"{name}.tflite"
    folders = (
        ROOT / "tformer_keras" / "deploy",
        ROOT / "tformer_keras" / "models" / "shipped" / name,
        ROOT / "tformer_edge",
    )
    sources = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix not in (".pyc", ".md") and path.is_file()
    ]
    if not file.exists() or file.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        command = [sys.executable, ROOT / "converters" / "to_tflite.py", name, "--int8", "--io", "uint8"]
        command += ["--out", file, "--picture", ROOT / "build" / "web" / f"{name}.png", "--force"]
        subprocess.run(list(map(str, command)), check=True)
    return file


def main() -> None:
    litert = fetch_litert()
    (WEB / "models").mkdir(exist_ok=True)
    (ROOT / "build" / "web").mkdir(parents=True, exist_ok=True)
    given = [Path(name) for name in sys.argv[1:]]
    files = [Path(shutil.copy(path, WEB / "models")) for path in given] or [convert(name) for name in SHIPPED]
    names = [path.stem for path in files]
    (WEB / "models" / "index.json").write_text(json.dumps(names) + "\n")
    print(
        f"web/ has {litert.name} and {', '.join(names)}: copy the folder to any static host, or see it here with"
    )
    print(f"  {Path(sys.executable).name} -m http.server --bind 127.0.0.1 -d web 8000")
    print("and http://127.0.0.1:8000/ in a browser.")


if __name__ == "__main__":
    main()
