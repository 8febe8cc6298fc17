"""The `tformer-edge` command; what a subcommand needs is imported when it is asked for."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from tformer_edge.command_line import guarded

# name → what it does; the module of the same name is in `tformer_edge.commands`.
COMMANDS = {
    "run": "name what is in images",
    "watch": "name what appears in a folder",
    "camera": "name what a camera sees",
    "benchmark": "measure latency, memory and temperature",
    "inspect": "show what a model file says and is made of",
    "selftest": "prove that this machine computes what the exporter computed",
    "update": "bring a store of models to the newest signed release",
    "status": "show what a store of models holds and how its last update ended",
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
    return guarded("tformer-edge", lambda: _main(list(sys.argv[1:] if argv is None else argv)))


def _main(arguments: list[str]) -> int:
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    args = _parser(chosen if chosen in COMMANDS else None).parse_args(arguments)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
