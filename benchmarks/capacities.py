"""What several capacities cost a device in bytes: separate files beside one bundle of what `--nested` trains.

    python benchmarks/capacities.py                                     TFormer-S, -M and -L at 224×224, random weights
    python benchmarks/capacities.py L=l.tflite M=m.tflite S=s.tflite    files of one network, the largest first

Random weights are those of `sane_weights.py`, their int8 ranges from generated images: bytes mean something, answers
do not. docs/updates.md has the table.
"""

import argparse
import json
import lzma
import sys
from pathlib import Path
from typing import Any

from tformer_edge.command_line import guarded
from tformer_edge.contract import load_bytes
from tformer_edge.update.bundle import Bundle, make_bundle

# Images that set the ranges.
IMAGES = 8


def random_files(size: int, classes: int) -> dict[str, bytes]:
    """int8 model files of TFormer-L, -M and -S that share what they have in common, for inputs of size × size."""
    import dataclasses

    import keras

    from benchmarks.sane_weights import give_sane_weights
    from tformer_edge.preprocessing import Preprocessing
    from tformer_edge.tasks.outputs_mean import OutputsMean
    from tformer_keras import VARIANTS
    from tformer_keras.data.pixels import synthetic_pixels
    from tformer_keras.deploy.conversion import convert, model_file
    from tformer_keras.deploy.int8.calibration import calibrate
    from tformer_keras.deploy.int8.quantized_model import quantize_aware
    from tformer_keras.models.nested_tformer import NestedTFormer, capacities_of, capacity_model

    config = dataclasses.replace(
        VARIANTS["tformer_l"],
        input_shape=(size, size, 3),
        classes=classes,
        layer_scale=1.0,
        stochastic_depth=0.0,
    )
    capacities = capacities_of("S,M,L", "tformer_l", config)
    preprocessing = Preprocessing((size, size))
    pixels = synthetic_pixels(IMAGES, (size, size))
    keras.utils.set_random_seed(0)
    network = NestedTFormer(config, capacities)
    give_sane_weights(network, preprocessing.normalise(pixels))
    files = {}
    for name in capacities:
        quantized = quantize_aware(capacity_model(network, config, capacities, name))
        calibrate(quantized, pixels, preprocessing)
        file = model_file(
            convert(quantized),
            name=name,
            task="classification",
            preprocessing=preprocessing,
            means=OutputsMean(tuple(f"class {number}" for number in range(classes)), "logits"),
            source={},
            accuracy=None,
            versions={},
        )
        files[name] = file.to_bytes()
        print(f"{name}: {len(files[name]):,} bytes", file=sys.stderr, flush=True)
    return files


def measured(files: dict[str, bytes]) -> dict[str, Any]:
    """Bytes of files by name, the largest first, and of their bundle."""
    data = make_bundle(files)
    bundle = Bundle(data)
    assert bundle.files() == files
    sizes = {name: len(file) for name, file in files.items()}
    smallest = bundle.capacities[-1].name
    return {
        "files": sizes,
        "stored": {capacity.name: capacity.stored for capacity in bundle.capacities},
        "all": sum(sizes.values()),
        "largest_and_smallest": sizes[bundle.capacities[0].name] + sizes[smallest],
        "bundle": len(data),
        "bundle_xz": len(lzma.compress(data)),
        "all_xz": sum(len(lzma.compress(file)) for file in files.values()),
    }


def table(found: dict[str, Any]) -> str:
    """Text for people."""
    lines = [f"{'capacity':<24}{'own file':>14}{'in the bundle':>16}"]
    for name, size in found["files"].items():
        lines.append(f"{name:<24}{size:>14,}{found['stored'][name]:>16,}")
    lines.append(f"{'all':<24}{found['all']:>14,}{found['bundle']:>16,}")
    lines.append(f"{'largest and smallest':<24}{found['largest_and_smallest']:>14,}")
    lines.append(f"{'all, each by xz':<24}{found['all_xz']:>14,}{found['bundle_xz']:>16,}")
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> int:
    if arguments.files:
        files = {}
        for one in arguments.files:
            name, _, path = one.rpartition("=")
            files[name or Path(path).stem] = load_bytes(Path(path))
    else:
        files = random_files(arguments.size, arguments.classes)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (arguments.out / f"{name}.tflite").write_bytes(data)
    found = measured(files)
    print(json.dumps(found) if arguments.json else table(found))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", metavar="[NAME=]FILE", help="model files, the largest first")
    parser.add_argument("--size", type=int, default=224, help="of the random models' inputs (default: 224)")
    parser.add_argument("--classes", type=int, default=1000, help="of the random models (default: 1000)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the random models' files here")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return guarded("capacities", lambda: run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
