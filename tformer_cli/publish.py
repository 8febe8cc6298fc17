"""Signs and publishes models for devices, as static files that any HTTP server serves."""

import argparse
import importlib.util

from tformer_edge.errors import UserError
from tformer_publish.publish_options import EPILOG, add_arguments

__all__ = ["EPILOG", "NEEDS_KERAS", "add_arguments", "run"]
NEEDS_KERAS = False


def run(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("tuf") is None:
        raise UserError("python-tuf", "none", "pip install 'tformer-keras[publish]'")
    from tformer_publish.publish_command import run as publish

    return publish(args)
