"""How commands print what a model says: a line an image, or a JSON object a line."""

import json

from tformer_edge.printable import printable
from tformer_edge.tasks.task import Answer


def print_answer(kind: str, name: str | int, answer: Answer, milliseconds: float, as_json: bool) -> None:
    """Prints the answer for `name`, which is an "image" or a "frame", at once: readers of a pipe wait for it."""
    if as_json:
        line = {kind: name, **answer.to_json(), "milliseconds": round(milliseconds, 3)}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        return
    shown = printable(str(name)) if kind == "image" else f"{kind} {name}"
    print(f"{shown}: {answer.line()}   ({milliseconds:.1f} ms)", flush=True)
