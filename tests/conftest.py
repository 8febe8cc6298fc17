"""What holds for every test: one thread a process, a quiet TensorFlow, no deadlines on a busy machine."""

import os

# Set before any test imports TensorFlow or JAX, and inherited by the processes that tests start. Tests run
# side by side (pytest -n), so that one thread each is fastest, and floating-point sums keep their order.
_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NPROC": "1",  # the size of JAX's CPU thread pool
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    "MPLBACKEND": "Agg",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

# JAX compiles an initializer and an operation for each new shape: tests are of results, not of speed.
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import importlib.util  # noqa: E402  (the environment comes first)
import shutil  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Generator  # noqa: E402
from pathlib import Path  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# A first call compiles for seconds; whether a property holds does not depend on that. `make test` tries the same
# examples every time, so that what failed fails again and nothing passes by luck; `make fuzz` looks for new ones.
settings.register_profile("tformer", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("explore", settings.get_profile("tformer"), derandomize=False, max_examples=500)
settings.load_profile("tformer")


@pytest.fixture(autouse=True)
def same_randomness() -> None:
    """Fresh weights and dropped blocks are the same in each run, whatever ran before: what failed fails again."""
    if keras := sys.modules.get("keras"):  # a device's tests import none
        keras.utils.set_random_seed(20)


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """tests/reference.py, which is imported by its path: the tests are no package."""
    path = Path(__file__).with_name("reference.py")
    spec = importlib.util.spec_from_file_location("tformer_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def randomise() -> Callable[..., Any]:
    """Gives a model LayerScales of 0.5 to 1, random norms, statistics and biases: at 1e-5 every branch would vanish."""

    def draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name == "scale":
            return rng.uniform(0.5, 1, shape)
        if name in ("gamma", "moving_variance"):
            return rng.uniform(0.5, 1.5, shape)
        if name == "kernel":
            return rng.normal(
                0, 1 / np.sqrt(np.prod(shape[:-1]) / (shape[0] if len(shape) == 3 else 1)), shape
            )
        return rng.normal(0, 0.3, shape)  # biases, betas, means

    def apply(model: Any, seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        model.set_weights([draw(rng, w.path.split("/")[-1], tuple(w.shape)) for w in model.weights])
        return model

    return apply


# What tests need beside Python's packages, what for, and how to get it on Debian.
TOOLS = {
    "qemu-aarch64": ("the emulated Raspberry Pi", "apt-get install qemu-user"),
    "g++": ("the firmware's sources, compiled", "apt-get install g++"),
    "arm-none-eabi-g++": (
        "the firmware's sources, compiled for a microcontroller",
        "apt-get install gcc-arm-none-eabi",
    ),
    "unzip": ("the contract's zip, opened by another program", "apt-get install unzip"),
}
PACKAGES = {
    "tflite_micro": ("TensorFlow Lite Micro", "pip install 'tformer-keras[micro]' (x86-64 Linux)"),
    "cv2": ("cameras through OpenCV", "pip install 'tformer-keras[dev]'"),
    "jax": ("several processes, and the JAX backend", "pip install 'tformer-keras[train]'"),
}


def pytest_report_header() -> list[str]:
    """Says what will be skipped here for lack of a tool, and how to get it."""
    missing = [(name, *what) for name, what in TOOLS.items() if shutil.which(name) is None]
    missing += [(name, *what) for name, what in PACKAGES.items() if importlib.util.find_spec(name) is None]
    return [f"skipped here: {what}, which needs {name}: {how}" for name, what, how in missing]


# A tool that is not there; other skips say what cannot be on this backend or processor.
_FOR_LACK = ("Skipped: needs ", "Skipped: could not import")


def _fail_for_lack(report: Any) -> None:
    """Where SKIPS_FAIL is set, as in .ci/run, a skip for lack of a tool is a failure."""
    reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    if os.environ.get("SKIPS_FAIL") and reason.startswith(_FOR_LACK):
        report.outcome, report.longrepr = "failed", f"skipped where it must not be: {reason}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, None]:
    _fail_for_lack((yield).get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, None]:
    _fail_for_lack((yield).get_result())
