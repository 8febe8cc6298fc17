"""The `tformer` command: chooses the backend before Keras is imported, and the command's module by name."""

import argparse
import importlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Sequence

from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError

BACKENDS = ("tensorflow", "jax", "torch")
# What the extra `train` brings, as far as every command needs it.
TRAINING = ("keras", "rich")
# name → (module of `tformer_cli`, what it does); a module is imported when its command is asked for.
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("train", "train a model on a folder of images, or go on with an interrupted run"),
    "quantize": ("quantize", "make an int8 model of a trained one, by quantization-aware training"),
    "update": ("update", "retrain few weights of an int8 model on new images: an update of few bytes"),
    "evaluate": ("evaluate", "measure a trained model on test images"),
    "predict": ("predict", "name what is in images"),
    "convert": ("convert", "write a model as one .tflite file for devices"),
    "micro": ("micro", "write a model file as C++ for TensorFlow Lite Micro"),
    "parity": ("parity", "compare a model's forms, from Keras to LiteRT"),
    "runtimes": ("runtimes", "compare a model file's answers on each runtime that it is for"),
    "publish": ("publish", "sign and publish models for devices, as static files"),
    "list": ("listing", "list the models, recipes and shipped weights"),
    "sizes": ("sizes", "parameters and multiplications of the models beside the paper's"),
}
# Without an NVIDIA driver TensorFlow reports its absence as an error too.
GREETINGS = re.compile(
    r"WARNING: All log messages before absl|[IW]0000 |To enable the following instructions|.*failed call to cuInit"
)
EPILOG = """examples:
  tformer train digits --out runs/digits
  tformer evaluate digits --model runs/digits
  tformer predict photo.jpg --model runs/mine

`tformer COMMAND --help` explains a command."""


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    """The parser, with the options of the chosen command alone, because the others' modules are not needed."""
    parser = argparse.ArgumentParser(
        prog="tformer",
        description="TFormer: vision models for servers and small devices.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module_name, text) in COMMANDS.items():
        if name != chosen:
            commands.add_parser(name, help=text)
            continue
        module = importlib.import_module(f"tformer_cli.{module_name}")
        command = commands.add_parser(
            name,
            help=text,
            description=(module.__doc__ or "").strip(),
            epilog=getattr(module, "EPILOG", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.add_argument(
            "--json", action="store_true", help="print the result as JSON, and text on standard error"
        )
        command.add_argument(
            "--backend", choices=BACKENDS, help="Keras backend (default: KERAS_BACKEND or tensorflow)"
        )
        command.set_defaults(run=module.run, needs_keras=getattr(module, "NEEDS_KERAS", True))
    return parser


def _choose_backend(backend: str | None, own_process: bool) -> None:
    """Sets Keras' backend, which is fixed when Keras is imported.

    Raises:
        UserError: Keras already runs on another backend, in a process that is not this command's own.
    """
    if backend is None:
        # Set, or a user's keras.json would choose.
        chosen = os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
        if chosen not in BACKENDS:
            raise UserError(
                f"one of {', '.join(BACKENDS)}",
                repr(chosen),
                "correct it, or unset it",
                where="KERAS_BACKEND",
            )
        _check_backend(chosen)
        return
    _check_backend(backend)
    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != backend:
        if not own_process:
            raise UserError(
                f"Keras to run on {backend}",
                f"a process where it runs on {keras.backend.backend()}",
                f"set KERAS_BACKEND={backend} and start again",
            )
        os.environ["KERAS_BACKEND"] = backend
        os.execv(sys.executable, [sys.executable, "-m", "tformer_cli", *sys.argv[1:]])
    os.environ["KERAS_BACKEND"] = backend


def _check_backend(name: str) -> None:
    """Raises UserError where a backend is not installed."""
    if importlib.util.find_spec(name) is None:
        raise UserError(
            f"the package {name}, on which Keras is to run",
            "an installation without it",
            f"pip install {name}, or choose another with --backend",
        )


def _import_keras_quietly() -> None:
    """Imports Keras and its backend, and prints what they write to standard error except TensorFlow's greetings.

    TensorFlow 2.21 writes them whatever TF_CPP_MIN_LOG_LEVEL says, and they would bury the command's own lines.
    """
    if "keras" in sys.modules:
        return
    if sys.flags.optimize > 1:
        raise UserError(
            "Python with docstrings, which tf-keras needs", "-OO", "start without it, or unset PYTHONOPTIMIZE"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow" and "jax" not in sys.modules:
        # TensorFlow imports JAX where there is one, for a converter that nobody asks for here.
        sys.modules["jax"] = None  # type: ignore[assignment]
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            import keras

            # A user's keras.json may have other defaults, and a recipe says itself where it wants them.
            keras.config.set_floatx("float32")
            keras.config.set_epsilon(1e-7)
            keras.config.set_image_data_format("channels_last")
            if keras.backend.backend() == "tensorflow":
                import tensorflow

                tensorflow.config.list_physical_devices()  # or it would speak at the first computation
        finally:
            if "jax" in sys.modules and sys.modules["jax"] is None:
                del sys.modules["jax"]
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            lines = written.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not GREETINGS.match(line))


def _check_installed() -> None:
    """Raises UserError where the package was installed for devices alone, without what trains and converts."""
    missing = [name for name in TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the packages that train and convert ({', '.join(TRAINING)})",
            f"an installation without {', '.join(missing)}",
            "pip install 'tformer-keras[train]'",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 when it did its work, 2 with one line on standard error for a user's mistake."""
    return guarded("tformer", lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    args = _parser(chosen if chosen in COMMANDS else None).parse_args(arguments)
    if args.needs_keras:
        _check_installed()
        _choose_backend(args.backend, argv is None)
        _import_keras_quietly()
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
