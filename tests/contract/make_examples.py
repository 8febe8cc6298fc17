"""Makes the example files of docs/contract.md: `examples/*.tflite` and `examples/index.json`, byte for byte.

    .venv/bin/python tests/contract/make_examples.py          # writes them
    .venv/bin/python tests/contract/make_examples.py --check  # says whether they are current

The flatbuffer in them is `TFL3` and filler, no model: a reader of contracts does not look into it.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from bad_contracts import bad_contents, bad_fields, bad_json  # noqa: E402
from bad_later import bad_later  # noqa: E402
from bad_zips import bad_zips  # noqa: E402
from good_examples import good  # noqa: E402

from tformer_edge.contract import ModelFile, read_model_file  # noqa: E402

FOLDER = Path(__file__).parent / "examples"


def describe_file(file: ModelFile) -> dict[str, Any] | None:
    """What a reader of another language must have read."""
    contract = file.contract
    if contract is None:
        return None
    later: dict[str, Any] = {}
    if contract.format > 1:
        rule = contract.detection
        later = {
            "outputs": [one.to_json() for one in contract.outputs],
            "detection": None if rule is None else dataclasses.asdict(rule),
            "colours": [list(one) for one in contract.colours],
            "answers": [one.answer_sha256 for one in file.golden],
        }
    return later | {
        "name": contract.name,
        "task": contract.task,
        "batch": contract.batch,
        "preprocessing": contract.image.to_json(),
        "input_type": contract.input_type,
        "output_type": contract.output_type,
        "output_meaning": contract.output_meaning,
        "certainty": None if contract.certainty is None else contract.certainty.to_json(),
        "labels": list(file.labels),
        "golden": [
            {
                "name": one.name,
                "input": one.input.hex(),
                "output": one.output.hex(),
                "xnnpack_difference": one.xnnpack_difference,
            }
            for one in file.golden
        ],
        "source": contract.source,
        "accuracy": contract.accuracy,
        "versions": contract.versions,
    }


def make() -> dict[str, bytes]:
    """{file name: content} of the folder of examples, `index.json` among them."""
    files, index = {}, []
    for name, (data, _, what) in good().items():
        files[name] = data
        file = read_model_file(data)
        index.append(
            {"file": name, "accepted": True, "what": what, "flatbuffer_bytes": len(file.flatbuffer)}
            | {"contract": describe_file(file)}
        )
    for name, (data, rule) in (bad_zips() | bad_json() | bad_fields() | bad_contents() | bad_later()).items():
        files[f"{name}.tflite"] = data
        index.append({"file": f"{name}.tflite", "accepted": False, "rule": rule})
    lines = ",\n".join(json.dumps(entry, ensure_ascii=True) for entry in index)
    files["index.json"] = f"[\n{lines}\n]\n".encode()
    return files


if __name__ == "__main__":
    from generated import main

    sys.exit(main(FOLDER, make()))
