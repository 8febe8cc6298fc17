"""The `tformer` command."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tformer_edge.errors import UserError

BACKENDS = ("tensorflow", "jax", "torch")
# name → (module of `tformer_keras.commands`, what it does); a module is imported when its command is asked for.
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("train", "train a model on a folder of images, or go on with an interrupted run"),
    "evaluate": ("evaluate", "measure a trained model on test images"),
    "predict": ("predict", "name what is in images"),
    "list": ("listing", "list the models, recipes and shipped weights"),
    "sizes": ("sizes", "parameters and multiplications of the models beside the paper's"),
}
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
        module = importlib.import_module(f"tformer_keras.commands.{module_name}")
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
        command.set_defaults(run=module.run)
    return parser


def _choose_backend(backend: str | None, own_process: bool) -> None:
    """Sets Keras' backend, which is fixed when Keras is imported.

    Raises:
        UserError: Keras already runs on another backend, in a process that is not this command's own.
    """
    if backend is None:
        return
    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != backend:
        if not own_process:
            raise UserError(
                f"expected Keras to run on {backend}, received a process where it runs on {keras.backend.backend()}; "
                f"set KERAS_BACKEND={backend} and start again"
            )
        os.environ["KERAS_BACKEND"] = backend
        os.execv(sys.executable, [sys.executable, "-m", "tformer_keras", *sys.argv[1:]])
    os.environ["KERAS_BACKEND"] = backend


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 when it did its work, 2 with one line on standard error for a user's mistake."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser = _parser(chosen if chosen in COMMANDS else None)
    args = parser.parse_args(arguments)
    os.environ.setdefault(
        "TF_CPP_MIN_LOG_LEVEL", "2"
    )  # TensorFlow's chatter would hide the command's own lines
    try:
        _choose_backend(args.backend, argv is None)
        return int(args.run(args))
    except UserError as error:
        print(f"tformer: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
