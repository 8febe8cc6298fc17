"""`--rules FILE`: lowering rules for layers of the user's own, read before a model is converted."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from tformer_edge.errors import UserError, first_line


def add_rules_argument(parser: argparse.ArgumentParser) -> None:
    """The option."""
    parser.add_argument(
        "--rules",
        type=Path,
        metavar="FILE.py",
        help="Python that registers lowering rules for layers of your own (docs/layers.md); it is run",
    )


def read_rules(path: Path | None) -> None:
    """Runs the file, which registers its layers with Keras and their rules.

    Raises:
        UserError: it is not there, or raises.
    """
    if path is None:
        return
    specification = importlib.util.spec_from_file_location(f"rules_of_{path.stem}", path)
    if specification is None or specification.loader is None or not path.is_file():
        raise UserError("a Python file", str(path), "correct the path", where="--rules")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise UserError(
            "a file that runs",
            f"{type(error).__name__} in {path}: {first_line(error)}",
            "correct it",
            where="--rules",
        ) from error
