"""Puts a trained model into the package: `python -m tools.ship_model RUN RUN-INT8 NAME`, then the printed entry into
`models/weights.py`'s table, a card.md, and `python -m tools.make_catalogue`.

Weights are compressed without loss, config.json says data, output and program by name alone. A classifier's certainty,
which `tformer convert RUN-INT8 --int8 --data DATA` measures, is taken from that file's contract: `--file FILE.tflite`.
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import h5py

from tformer_edge.contract import read_model_file
from tformer_edge.files import write_whole
from tformer_keras.models.weights import CONFIG, FOLDER, QUANTIZED, WEIGHTS
from tformer_keras.training.saved_model import open_model

# Of smaller tensors a chunk's own header takes more than compression gives.
LEAST_BYTES = 4096


def main() -> None:
    """Writes the folder and prints the entry."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of `tformer train`")
    parser.add_argument("quantized", type=Path, help="folder of `tformer quantize`")
    parser.add_argument("name")
    parser.add_argument("--file", metavar="FILE.tflite", help="RUN-INT8 converted, whose certainty is kept")
    args = parser.parse_args()
    folder = FOLDER / args.name
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        plain, packed = Path(temporary, WEIGHTS), Path(temporary, "packed.h5")
        open_model(args.run).model.save_weights(plain)
        with h5py.File(plain) as source, h5py.File(packed, "w") as target:
            _copy(source, target)
        write_whole(folder / WEIGHTS, packed.read_bytes())
    write_whole(folder / QUANTIZED, (args.quantized / QUANTIZED).read_bytes())
    config = json.loads((args.run / CONFIG).read_text("utf-8"))
    data = Path(config["data"]).name.upper()
    names = {config["data"]: data, str(args.run): f"runs/{args.run.name}"}
    for key in ("weights", "teacher"):
        given = config["run"].get(key)
        paths = [given] if isinstance(given, str) else given or []
        names |= {path: _in_runs(Path(path)) for path in paths if Path(path).exists()}
        if given:
            renamed = [names.get(path, path) for path in paths]
            config["run"][key] = renamed if isinstance(given, list) else renamed[0]
    command = ["tformer", *(names.get(word, word) for word in config["command"][1:])]
    config |= {"data": data, "command": command}
    if args.file:
        contract = read_model_file(args.file).contract
        if contract is None or contract.certainty is None:
            parser.error(f"{args.file} has no certainty; convert the run with --data")
        config["certainty"] = contract.certainty.to_json()
    for key in ("versions", "git_commit", "xla", "skipped"):
        config.pop(key, None)
    write_whole(folder / CONFIG, (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode())
    for file in (WEIGHTS, QUANTIZED):
        data_ = (folder / file).read_bytes()
        print(f"{file}: {len(data_):,} bytes, SHA-256 {hashlib.sha256(data_).hexdigest()}")


def _in_runs(path: Path) -> str:
    """A run's folder, or a file in one, by the name that the documentation gives it."""
    return f"runs/{path.name}" if path.is_dir() else f"runs/{path.parent.name}/{path.name}"


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    for name, value in source.attrs.items():
        target.attrs[name] = value
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
            continue
        options = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
        copied = target.create_dataset(name, data=item[()], **(options if item.nbytes >= LEAST_BYTES else {}))
        for key, value in item.attrs.items():
            copied.attrs[key] = value


if __name__ == "__main__":
    main()
