"""Builds wheel and sdist, looks what is in them, and uses the wheel in an empty environment: `make dist`.

Without extras an installation is a device's: `tformer-edge` works, `tformer list` works, and every other command of
`tformer` says in one sentence what to install. With the extra [train] it trains and converts.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What a wheel must hold beside the modules.
NEEDED = (
    "tformer_edge/py.typed",
    "tformer_cli/catalogue.json",
    "tformer_keras/deploy/micro/templates/classification/main.cc",
    "tformer_keras/models/shipped/tformer_micro_cifar10/model.weights.h5",
    "tformer_keras/models/shipped/tformer_micro_cifar10/quantized.npz",
    "tformer_keras/models/shipped/tformer_micro_cifar10/config.json",
    "tformer_keras/models/shipped/tformer_micro_cifar10_small/quantized.npz",
    "tformer_keras/models/shipped/tformer_micro_cifar10_large/quantized.npz",
)
PACKAGES = ("tformer_edge/", "tformer_publish/", "tformer_keras/", "tformer_cli/", "tformer_keras-")


def run(*command: str | Path, expected: int = 0) -> str:
    """What a command prints. Exits with its output where it ends with another code."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=tempfile.gettempdir()
    )
    if done.returncode != expected:
        sys.exit(
            f"{' '.join(map(str, command))}: expected exit code {expected}, received {done.returncode}\n{done.stderr}"
        )
    return done.stdout + done.stderr


def check_contents(wheel: Path, source: Path) -> None:
    """Exits where something is missing, or is there that should not be."""
    names = zipfile.ZipFile(wheel).namelist()
    missing = [name for name in NEEDED if name not in names]
    strange = [name for name in names if not name.startswith(PACKAGES)]
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES[:4]
        for path in (ROOT / package).rglob("*.py")
    }
    missing += sorted(modules - set(names))
    with tarfile.open(source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    missing += [
        f"{name} (sdist)" for name in (*NEEDED, "setup.cfg", "README.md", "LICENSE") if name not in inside
    ]
    if missing or strange:
        sys.exit(f"expected {wheel.name} to be whole, received one without {missing} and with {strange}")


def main() -> int:
    """Builds, checks and uses."""
    folder = ROOT / "dist"
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    wheel = max(folder.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    source = max(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    check_contents(wheel, source)
    use_on_a_device(wheel)
    use_for_training(wheel)
    print(f"{wheel.name} ({wheel.stat().st_size:,} bytes) and {source.name} are whole")
    print("installed alone, and with the extra [train], it works")
    return 0


def use_on_a_device(wheel: Path) -> None:
    """Installs the wheel alone into an empty environment. Exits where it is more or less than a device's."""
    with tempfile.TemporaryDirectory() as name:
        run(sys.executable, "-m", "venv", name)
        tools = Path(name) / "bin"
        run(tools / "pip", "install", "--quiet", wheel)
        installed = run(tools / "pip", "list", "--format=freeze").lower()
        if "tensorflow" in installed or "keras==" in installed.replace("tformer-keras==", ""):
            sys.exit(f"expected no training framework without extras, received {installed}")
        run(tools / "tformer-edge", "--help")
        assert "tformer_s" in run(tools / "tformer", "list")
        sentence = run(tools / "tformer", "train", "digits", expected=2)
        assert "pip install 'tformer-keras[train]'" in sentence and sentence.count("\n") == 1, sentence


def use_for_training(wheel: Path) -> None:
    """Installs the wheel with the extra [train] into an empty environment, and trains and converts the digits there."""
    with tempfile.TemporaryDirectory() as name:
        run(sys.executable, "-m", "venv", name)
        tools, trained, quantized = (Path(name) / part for part in ("bin", "digits", "digits-int8"))
        converted = Path(name) / "digits.tflite"
        run(tools / "pip", "install", "--quiet", f"{wheel}[train]")
        options = ("--model", "tformer_micro", "--recipe", "digits", "--epochs", "1", "--out", trained)
        run(tools / "tformer", "train", "digits", *options)
        run(tools / "tformer", "quantize", trained, "--data", "digits", "--epochs", "1", "--out", quantized)
        run(tools / "tformer", "convert", quantized, "--int8", "--data", "digits", "--out", converted)
        run(tools / "tformer-edge", "selftest", converted)


if __name__ == "__main__":
    sys.exit(main())
