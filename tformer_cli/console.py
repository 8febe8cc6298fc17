"""Where a command speaks: text for people, or JSON on standard output and the text on standard error."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import rich.console


class Output:
    """What a command prints.

    Args:
        as_json: print `result` as JSON on standard output, and all text on standard error.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = rich.console.Console(stderr=as_json)

    def say(self, text: str) -> None:
        """A line, or lines, for people."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def result(self, data: Mapping[str, Any]) -> None:
        """The command's result for programs; printed with `--json` only."""
        if self.as_json:
            json.dump(data, sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")
            sys.stdout.flush()
