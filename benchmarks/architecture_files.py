"""The int8 files of `architectures.py`: ours by our own commands, TensorFlow's converter's, and ai-edge-quantizer's."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.peers import convert_by_tensorflow
from benchmarks.provenance import ROOT
from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing


def by_tensorflow(model: keras.Model, batches: Sequence[np.ndarray]) -> bytes:
    """Full int8 by post-training quantization; `batches` of one image each."""
    return convert_by_tensorflow(model, "int8", calibration=batches)


def by_ai_edge_quantizer(model: keras.Model, batches: Sequence[np.ndarray]) -> bytes:
    """Its static recipe of int8 weights and activations, over TensorFlow's float32 file of the saved model."""
    import tensorflow as tf
    from ai_edge_quantizer import quantizer, recipe

    with tempfile.TemporaryDirectory() as folder:
        # Of a saved model the file has a signature, by which the quantizer feeds it.
        model.export(
            folder, input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)], verbose=False
        )
        plain = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    (name,) = tf.lite.Interpreter(model_content=plain).get_signature_list()["serving_default"]["inputs"]
    own = quantizer.Quantizer(bytes(plain))
    own.load_quantization_recipe(recipe.static_wi8_ai8())
    ranges = own.calibrate({"serving_default": [{name: batch} for batch in batches]}, num_threads=1)
    return bytes(own.quantize(ranges, enable_progress_report=False).quantized_model)


def ours(
    model: Path,
    labels: Sequence[str],
    preprocessing: Preprocessing,
    data: str,
    out: Path,
    options: Sequence[str],
) -> tuple[bytes, list[Any]]:
    """`tformer quantize` of a bare .keras file, then `tformer convert`: (the flatbuffer, the largest errors of layers).

    Raises:
        UserError: one of the commands failed.
    """
    names = model.with_suffix(".labels.txt")
    names.write_text("".join(f"{label}\n" for label in labels))
    bare = [
        "--mean",
        *map(str, preprocessing.mean),
        "--std",
        *map(str, preprocessing.std),
        "--resize",
        "stretch",
    ]
    bare += ["--labels", str(names)]
    _command("quantize", str(model), "--data", data, "--out", str(out), *options, *bare)
    file = out / "model.tflite"
    report = json.loads(
        _command("convert", str(out), "--int8", "--data", data, "--out", str(file), "--force", "--json")
    )
    layers = sorted(report["layers"], key=lambda layer: -layer["relative_error"])
    return read_model_file(file).flatbuffer, layers[:3]


def _command(*arguments: str) -> str:
    found = subprocess.run(
        [sys.executable, "-m", "tformer_cli.main", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    if found.returncode:
        raise UserError(f"`tformer {' '.join(arguments)}` to end well", found.stderr[-2000:], "mend it")
    return found.stdout
