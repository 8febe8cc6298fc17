"""The emulated Pi and the shipped model, once for all its tests."""

import shutil
import subprocess
import sys

import pytest

from tests.pi.emulated import ROOT, SYSROOT


def convert(path, *arguments):
    command = [sys.executable, ROOT / "converters" / "to_tflite.py", *arguments, "--out", path]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def sysroot():
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("needs QEMU: apt-get install qemu-user")
    subprocess.run([ROOT / "tools" / "pi_sysroot.sh", SYSROOT], check=True)
    return SYSROOT


@pytest.fixture(scope="session")
def cifar(tmp_path_factory):
    """The shipped model, as the converter writes it."""
    path = tmp_path_factory.mktemp("models") / "cifar.tflite"
    convert(path, "--int8")
    return path
