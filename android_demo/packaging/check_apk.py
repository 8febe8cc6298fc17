"""Checks a finished APK: signature, alignment, permissions, ABIs, code, the bundled models' bytes, the size.

    python check_apk.py APP.apk MODELS --abis arm64-v8a,x86_64

Prints the facts; ends with code 1 and one sentence for each that is not as it should be.
"""

import argparse
import re
import subprocess
import sys
import zipfile
from pathlib import Path

PERMISSIONS = {"android.permission.CAMERA"}
CLASSES = (
    *(f"screens/{name}Activity" for name in ("Camera", "Photo", "Models", "Benchmark", "SelfTest", "About")),
    "photo/SharedPicture",
    "DemoApplication",
    "engine/EngineService",
    "core/ModelFile",
    *(f"core/{name}" for name in ("Classifier", "Detector", "Segmenter")),
)
# Libraries of one ABI, everything else once.
MAX_BYTES_ONE_ABI = 9_000_000


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"Expected {command[0]} to accept the APK, received: {(done.stderr or done.stdout).strip()}"
        )
    return done.stdout


def check(apk: Path, models: Path, abis: list[str]) -> list[str]:
    """The sentences of what is wrong; prints the facts."""
    wrong = []

    def expect(true: bool, sentence: str) -> None:
        if not true:
            wrong.append(sentence)

    signature = output("apksigner", "verify", "--verbose", "--min-sdk-version", "26", str(apk))
    for scheme in ("v2", "v3"):
        found = f"(APK Signature Scheme {scheme}): true" in signature
        expect(found, f"Expected a {scheme} signature.")
    output("zipalign", "-c", "-p", "4", str(apk))

    badging = output("aapt2", "dump", "badging", str(apk))
    permissions = set(re.findall(r"uses-permission: name='([^']+)'", badging))
    expect(permissions == PERMISSIONS, f"Expected the permissions {PERMISSIONS}, received {permissions}.")
    for line in ("package: name='org.tformer.demo'", "sdkVersion:'26'", "targetSdkVersion:'34'"):
        expect(line in badging, f"Expected {line}, received another one.")
    expect(
        "application-debuggable" not in badging,
        "Expected an app that is not debuggable, received one that is.",
    )
    native = re.search(r"native-code: (.*)", badging)
    received = sorted(re.findall(r"'([^']+)'", native.group(1))) if native else []
    expect(received == sorted(abis), f"Expected the ABIs {sorted(abis)}, received {received}.")

    with zipfile.ZipFile(apk) as archive:
        names = archive.namelist()
        expect(len(names) == len(set(names)), "Expected each name once, received one twice.")
        dex = archive.read("classes.dex")
        expect(dex[:4] == b"dex\n", "Expected a dex file in classes.dex, received another file.")
        for name in CLASSES:
            found = f"Lorg/tformer/demo/{name};".encode() in dex
            expect(found, f"Expected the class {name} in the dex file, found none.")
        for file in sorted(models.iterdir()):
            inside = archive.read(f"assets/models/{file.name}")
            expect(inside == file.read_bytes(), f"Expected the bytes of {file}, received others.")
        for info in archive.infolist():
            if info.filename.endswith((".so", ".tflite", ".dex", ".arsc")):
                stored = info.compress_type == zipfile.ZIP_STORED
                expect(stored, f"Expected {info.filename} uncompressed, received it compressed.")
        libraries = {abi: archive.getinfo(f"lib/{abi}/libtensorflowlite_jni.so").file_size for abi in abis}
    size = apk.stat().st_size
    rest = size - sum(libraries.values())
    # armeabi-v7a and arm64-v8a are what phones have; x86_64 is for emulators.
    one = rest + max((size for abi, size in libraries.items() if abi != "x86_64"), default=0)
    expect(
        one <= MAX_BYTES_ONE_ABI, f"Expected at most {MAX_BYTES_ONE_ABI} bytes for one ABI, received {one}."
    )

    print(f"{apk.name}: {size:,} bytes; for a phone's ABI alone {one:,}; classes.dex {len(dex):,}")
    print(
        f"signature v2, v3; aligned; permissions {', '.join(sorted(permissions))}; ABIs {', '.join(received)}"
    )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("apk", type=Path)
    parser.add_argument("models", type=Path, help="the folder of the bundled models")
    parser.add_argument("--abis", required=True, help="what --abi was, with commas")
    args = parser.parse_args()
    wrong = check(args.apk, args.models, args.abis.split(","))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
