"""What a result was made with: the versions of packages, and the commit of this source."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

PACKAGES = (
    "tformer-keras",
    "keras",
    "tf-keras",
    "tensorflow-model-optimization",
    "tensorflow",
    "jax",
    "jaxlib",
    "torch",
    "numpy",
    "pillow",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Python and the installed packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit of this package's source, with "+changes" when files differ from it; None outside a repository."""
    try:
        changes = _git("status", "--porcelain", "--untracked-files=no")
        return _git("rev-parse", "HEAD") + ("+changes" if changes else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
