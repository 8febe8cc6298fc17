"""The `tformer-edge` command; what a subcommand needs is imported when it is asked for."""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from tformer_edge.errors import UserError
from tformer_edge.printable import printable

# name → what it does; the module of the same name is in `tformer_edge.commands`.
COMMANDS = {
    "run": "name what is in images",
    "watch": "name what appears in a folder",
    "camera": "name what a camera sees",
    "benchmark": "measure latency, memory and temperature",
    "inspect": "show what a model file says and is made of",
    "selftest": "prove that this machine computes what the exporter computed",
}
EPILOG = """examples:
  tformer-edge run model.tflite photo.jpg
  tformer-edge watch model.tflite inbox/
  tformer-edge selftest model.tflite

`tformer-edge COMMAND --help` explains a command."""


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tformer-edge",
        description="TFormer models on a device: LiteRT, NumPy and Pillow, nothing else.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if name != chosen:
            commands.add_parser(name, help=text)
            continue
        module = importlib.import_module(f"tformer_edge.commands.{name}")
        command = commands.add_parser(
            name,
            help=text,
            description=(module.__doc__ or "").strip(),
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.add_argument(
            "--json", action="store_true", help="print JSON, one object a line, and text on standard error"
        )
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 when it did its work, 2 with one line on standard error for a user's mistake."""
    # Names of files need not be text, and a terminal need not know every letter: neither ends in a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    args = _parser(chosen if chosen in COMMANDS else None).parse_args(arguments)
    try:
        return int(args.run(args))
    except UserError as error:
        print(f"tformer-edge: error: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
