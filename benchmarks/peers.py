"""The models of the latency tables, made here from random weights, and their converted files, kept in build/benchmarks.

Speed does not depend on what a model has learnt. It does depend on quantized ranges being real, so every BatchNorm gets
random statistics and every LayerScale a random factor: a fresh TFormer's branches would all but vanish.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.provenance import ROOT, versions
from benchmarks.task_peers import TASK_PEERS, convert_task_peer
from tformer_edge.errors import UserError

KINDS = ("int8", "fp16", "float")
CACHE = ROOT / "build" / "benchmarks"
RESNET18_PARAMETERS = 11_689_512  # torchvision's
CALIBRATION_IMAGES = 4


@dataclasses.dataclass(frozen=True)
class Peer:
    """A model of the tables.

    Args:
        label: for people.
        build: makes the Keras 3 model, float32, images `(batch, 224, 224, 3)` to logits, no preprocessing inside.
        converter: "tensorflow" (its own converter and post-training quantization) or "tformer" (this package's
            `lower`, `quantize_aware` and `export_flatbuffer`). Plain peers are no faster by the latter [measured:
            within 1 %], and TFormer without rewrites is as fast by either (24.4 and 24.6 ms).
        rewrites: what `lower` is told; "tformer" only.
        kinds: of files that are made.
    """

    label: str
    build: Callable[[], Any]
    converter: str = "tformer"
    rewrites: str = "all"
    kinds: tuple[str, ...] = KINDS


def _tformer(variant: str, **overrides: Any) -> Callable[[], Any]:
    def build() -> Any:
        from tformer_keras.models import build

        return build(variant, **overrides)

    return build


def _resnet18() -> Any:
    from tformer_keras.models.counting import count
    from tformer_keras.models.resnet import ResNet

    model = ResNet("resnet18")
    parameters = count(model).parameters
    if parameters != RESNET18_PARAMETERS:
        raise AssertionError(
            f"ResNet-18 has {parameters} parameters, torchvision's has {RESNET18_PARAMETERS}."
        )
    return model


def _application(name: str, **arguments: Any) -> Callable[[], Any]:
    def build() -> Any:
        import keras

        construct = getattr(keras.applications, name)
        return construct(
            weights=None, input_shape=(224, 224, 3), classes=1000, classifier_activation=None, **arguments
        )

    return build


def _efficientnet_b0() -> Any:
    import keras

    # It rescales and normalises inside, with no option to leave that out: the graph is cut behind it.
    whole = _application("EfficientNetB0")()
    # By class: Keras numbers the names of the layers that a process makes.
    (last,) = (layer for layer in whole.layers if isinstance(layer, keras.layers.Normalization))
    return keras.Model(last.output, whole.output, name=whole.name)


PEERS: dict[str, Peer] = {
    "tformer_s": Peer("TFormer-S", _tformer("tformer_s")),
    # One hybrid pooling with windows of one pixel is the identity, and lowers to nothing.
    "tformer_s_pool_free": Peer("TFormer-S without pooling (floor)", _tformer("tformer_s", kernels=(1,))),
    "tformer_s_stock": Peer("TFormer-S, no rewrites", _tformer("tformer_s"), rewrites="none"),
    "tformer_s_gelu": Peer("TFormer-S, GELU", _tformer("tformer_s", activation="gelu")),
    "tformer_s_gelu_stock": Peer(
        "TFormer-S, GELU, no rewrites", _tformer("tformer_s", activation="gelu"), rewrites="none"
    ),
    "resnet18": Peer("ResNet-18", _resnet18, "tensorflow"),
    "resnet50": Peer("ResNet-50", _application("ResNet50"), "tensorflow"),
    "mobilenet_v2": Peer("MobileNetV2", _application("MobileNetV2"), "tensorflow"),
    "mobilenet_v3_large": Peer(
        "MobileNetV3-Large", _application("MobileNetV3Large", include_preprocessing=False), "tensorflow"
    ),
    "efficientnet_b0": Peer("EfficientNet-B0", _efficientnet_b0, "tensorflow"),
    "poolformer_s12_batch": Peer(
        "PoolFormer-S12, BatchNorm, quick GELU",
        _tformer("poolformer_s12", norm="batch", activation="quick_gelu"),
    ),
    # By HybridPooling's own depthwise form: fast pooling without this package's converter.
    "poolformer_s12_group": Peer(
        "PoolFormer-S12, GroupNorm, quick GELU",
        _tformer("poolformer_s12", activation="quick_gelu"),
        "tensorflow",
    ),
}


def randomise(model: Any, seed: int = 0) -> None:
    """Gives norms and LayerScales of a fresh model random values, in place: gamma and variance 0.5 to 1.5, offsets and
    means around 0 with a deviation of 0.1, LayerScale 0.5 to 1."""
    import keras

    from tformer_keras.layers import LayerScale

    random = np.random.default_rng(seed)
    norms = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)
    for layer in model.layers:
        if isinstance(layer, norms):
            for variable in layer.weights:
                around_one = variable.name in ("gamma", "moving_variance")
                shape = variable.shape
                variable.assign(
                    random.uniform(0.5, 1.5, shape) if around_one else random.normal(0, 0.1, shape)
                )
        elif isinstance(layer, LayerScale):
            layer.scale.assign(random.uniform(0.5, 1.0, layer.scale.shape))


def calibration_images(shape: tuple[int, int, int], seed: int = 1) -> Iterator[np.ndarray]:
    """Batches `(1, height, width, channels)` of standard normal float32: the ranges of normalised images."""
    random = np.random.default_rng(seed)
    for _ in range(CALIBRATION_IMAGES):
        yield random.standard_normal((1, *shape), dtype="float32")


def convert_by_tensorflow(model: Any, kind: str, calibration: Sequence[np.ndarray] | None = None) -> bytes:
    """TensorFlow's own conversion of a Keras 3 model at batch 1; BatchNorm folds where a convolution stands before it.

    Args:
        kind: "int8" (post-training quantization, int8 in and out), "fp16" or "float".
        calibration: batches of one image; None: `calibration_images`.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tuple(model.input_shape[1:])
    call = tf.function(lambda image: model(image, training=False))
    # Keras 3's variables are not ones that the converter can freeze.
    frozen = convert_variables_to_constants_v2(call.get_concrete_function(tf.TensorSpec((1, *shape))))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        batches = list(calibration_images(shape)) if calibration is None else calibration
        converter.representative_dataset = lambda: ([images] for images in batches)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def convert_by_tformer(
    model: Any, kind: str, rewrites: str = "all", calibration: Sequence[np.ndarray] | None = None
) -> bytes:
    """This package's conversion for LiteRT, packed as it is shipped, without a contract."""
    from tformer_keras.deploy.graph.lower import lower
    from tformer_keras.deploy.int8.quantized_model import quantize_aware
    from tformer_keras.deploy.tflite.export import export_flatbuffer
    from tformer_keras.deploy.tflite.pack import pack

    if kind == "int8":
        quantized = quantize_aware(model, target="litert", rewrites=rewrites)
        shape = tuple(model.input_shape[1:])
        quantized.calibrate(calibration_images(shape) if calibration is None else calibration)
        return bytes(pack(export_flatbuffer(quantized, kind="int8", io="int8")).flatbuffer)
    lowered = lower(model, target="litert", rewrites=rewrites)
    return bytes(pack(export_flatbuffer(lowered, kind=kind, io="float32")).flatbuffer)


def convert(name: str, kind: str) -> bytes:
    """Builds a peer with random weights and converts it."""
    if name in TASK_PEERS:
        return convert_task_peer(name)
    import keras

    peer = PEERS[name]
    keras.utils.set_random_seed(0)
    model = peer.build()
    randomise(model)
    if peer.converter == "tensorflow":
        return convert_by_tensorflow(model, kind)
    return convert_by_tformer(model, kind, peer.rewrites)


def kinds_of(name: str) -> tuple[str, ...]:
    """The kinds of files that a model of either table has; none for a name that is in neither."""
    if name in TASK_PEERS:
        return ("int8",)
    return PEERS[name].kinds if name in PEERS else ()


def cache_key(name: str, kind: str) -> str:
    """Sixteen hexadecimal digits of all that a file is made of: this file, the package's sources, the versions."""
    sources = [Path(__file__)]
    if name in TASK_PEERS:
        sources.append(Path(__file__).with_name("task_peers.py"))
    ours = name in TASK_PEERS or PEERS[name].converter == "tformer"
    return sources_key((name, kind), sources, ("layers", "models") + (("deploy",) if ours else ()))


def sources_key(what: tuple[str, ...], files: Sequence[Path], parts: Sequence[str]) -> str:
    """Sixteen hexadecimal digits of names, files, folders of the package, and the versions of what they use."""
    digest = hashlib.sha256(repr((*what, sorted(versions().items()))).encode())
    sources = list(files)
    for part in parts:
        sources += sorted((ROOT / "tformer_keras" / part).rglob("*.py"))
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def model_file(
    name: str,
    kind: str,
    cache: Path = CACHE,
    key: Callable[[str, str], str] = cache_key,
    make: Callable[[str, str, Path], None] | None = None,
) -> Path:
    """The converted file of a peer: the cached one, or a new one, which then takes an older one's place.

    Args:
        cache: the folder; made if it is not there.
        key, make: of the cache's entry, and what writes the file of (name, kind) to a path; replaced in tests.

    Raises:
        UserError: for a name or kind that is not in the table, or a conversion that failed.
    """
    if kind not in kinds_of(name):
        raise UserError(
            f"one of {', '.join([*PEERS, *TASK_PEERS])} and a kind of it",
            f"{name!r} and {kind!r}",
            "take one of them",
            where="model",
        )
    path = cache / f"{name}-{kind}-{key(name, kind)}.tflite"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        (make or _make_in_a_process)(name, kind, temporary)
        for older in cache.glob(f"{name}-{kind}-*.tflite"):
            older.unlink()
        os.replace(temporary, path)
    return path


def _make_in_a_process(name: str, kind: str, path: Path) -> None:
    in_a_process([__file__, name, kind, "--out", str(path)])


def in_a_process(command: Sequence[str]) -> None:
    """Runs a Python program: TensorFlow's threads and memory stay out of the process that measures.

    Raises:
        UserError: it failed.
    """
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        program = Path(command[0]).relative_to(ROOT)
        what = " ".join(command[1:3])
        raise UserError(
            f"{what} to convert", lines[-1], f"see all of it with python {program} {what} --out FILE"
        )


def add_model_arguments(parser: argparse.ArgumentParser, kinds: Sequence[str]) -> None:
    """Which models a command compares; `kinds` of files without --kinds."""
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="MODEL",
        help=f"of: {', '.join(PEERS)}; with --tasks of: {', '.join(TASK_PEERS)}",
    )
    parser.add_argument(
        "--tasks",
        action="store_true",
        help="detectors and segmenters (int8), and their answers, in place of classifiers",
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=list(kinds), help=f"default: {' '.join(kinds)}"
    )
    parser.add_argument(
        "--files", nargs="+", default=[], metavar="FILE", help="other .tflite files to compare"
    )


def label_of(name: str) -> str:
    """What people call a model of either table, or another file."""
    table: dict[str, Any] = {**PEERS, **TASK_PEERS}
    return str(table[name].label) if name in table else Path(name).name


def names_of(args: argparse.Namespace) -> list[str] | None:
    """What a command's --only and --tasks name; None for what `chosen_files` takes by itself.

    Raises:
        UserError: for a name that is not in the table, or --files beside --tasks.
    """
    table: Sequence[str] = list(TASK_PEERS if args.tasks else PEERS)
    if args.tasks and args.files:
        raise UserError("models of the table", "--files", "leave it out", where="--tasks")
    if unknown := [name for name in args.only or () if name not in table]:
        raise UserError(f"some of {', '.join(table)}", ", ".join(unknown), "take others", where="--only")
    return list(table) if args.tasks and args.only is None else args.only


def chosen_files(
    only: Sequence[str] | None, kinds: Sequence[str], files: Sequence[str]
) -> dict[tuple[str, str], Path]:
    """The paths of what a command compares; converts what is not in the cache.

    Args:
        only: names of the table; None for all, or for TFormer-S alone where there are files.
        kinds: of `KINDS`.
        files: other .tflite files, of kind "file".

    Raises:
        UserError: for a path that is no file, or a conversion that failed.
    """
    names = only if only is not None else ["tformer_s"] if files else list(PEERS)
    paths: dict[tuple[str, str], Path] = {}
    for name in names:
        for kind in kinds:
            if kind in kinds_of(name):
                print(f"{name} {kind}", file=sys.stderr, flush=True)
                paths[name, kind] = model_file(name, kind)
    for file in files:
        if not Path(file).is_file():
            raise UserError(".tflite files", f"{file!r}, which is none", "give others", where="--files")
        paths[file, "file"] = Path(file)
    return paths


def main() -> int:
    """Converts one model into a file."""
    parser = argparse.ArgumentParser(description="convert one model of the latency tables")
    parser.add_argument("name", choices=[*PEERS, *TASK_PEERS])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--out", required=True, type=Path, help="the .tflite file to write")
    args = parser.parse_args()
    args.out.write_bytes(convert(args.name, args.kind))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
