"""Where a command speaks: text for people, or JSON on standard output and the text on standard error."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tformer_edge.printable import printable

if TYPE_CHECKING:
    import rich.console


class Output:
    """What a command prints.

    Args:
        as_json: print `result` as JSON on standard output, and all text on standard error.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @functools.cached_property
    def console(self) -> rich.console.Console:
        """For tables and progress bars."""
        import rich.console

        return rich.console.Console(stderr=self.as_json)

    def say(self, text: str) -> None:
        """A line, or lines, for people; what could move the cursor in a name from outside is shown, not sent."""
        lines = "\n".join(printable(line) for line in text.split("\n"))
        print(lines, file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def result(self, data: Mapping[str, Any]) -> None:
        """The command's result for programs; printed with `--json` only.

        In UTF-8, or in ASCII where the output's encoding is another one; bytes of names that are not UTF-8 as "\\udcXX"
        escapes, which JSON readers give back.
        """
        if self.as_json:
            encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
            text = json.dumps(data, ensure_ascii=encoding != "utf8")
            print(text.encode("utf-8", "backslashreplace").decode(), flush=True)
