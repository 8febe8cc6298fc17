"""`tformer convert`: writes a model as one .tflite file for devices, with its contract, and reports on it."""

import argparse
from pathlib import Path
from typing import Any

from tformer_cli import convert_options
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer convert --int8                                            the shipped CIFAR-10 model
  tformer convert runs/photos-int8 --data photos/                   a folder of `tformer quantize`, with accuracy
  tformer convert runs/photos --ptq --calibration photos/train      without quantization-aware training
  tformer convert runs/photos --fp16 --out photos.tflite
  tformer convert tformer_s --calibration random                    fresh weights, for measurements of speed

`python converters/to_tflite.py` is the same command."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    kind = parser.add_mutually_exclusive_group()
    for name, text in (
        ("int8", "integers throughout (the default)"),
        ("fp16", "float16 weights, float32 arithmetic"),
        ("float", "float32"),
        ("dynamic", "int8 weights, activations quantized at run time"),
    ):
        kind.add_argument(f"--{name}", action="store_const", const=name, dest="kind", help=text)
    parser.set_defaults(kind="int8")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file to write (default: MODEL-KIND.tflite, beside a .keras file, inside a run's folder, or here)",
    )
    parser.add_argument(
        "--io",
        choices=("int8", "uint8", "float32"),
        help="inputs and outputs (default: int8 of int8, else float32)",
    )
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="images at a time (default: 1)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of the latency (default: 1)")
    convert_options.add_source_arguments(parser)


def default_out(args: argparse.Namespace) -> Path:
    """Where the file goes without --out."""
    path = Path(args.model)
    ending = args.kind + ("-micro" if args.target == "micro" else "") + ".tflite"
    if path.is_dir():
        return path / f"model-{ending}"
    return (
        path.with_name(f"{path.stem}-{ending}") if path.suffix == ".keras" else Path(f"{path.name}-{ending}")
    )


def run(args: argparse.Namespace) -> int:
    """Converts, reports, and writes the file and its picture."""
    from tformer_cli.console import Output
    from tformer_edge.files import check_writable, write_all_whole
    from tformer_keras.deploy.compare.conversion_report import draw, measure, show
    from tformer_keras.deploy.conversion import convert, model_file
    from tformer_keras.deploy.graph_source import load_graph_source
    from tformer_keras.deploy.tflite.export import check_arguments
    from tformer_keras.training.report import versions

    output = Output(args.json)
    out = args.out or default_out(args)
    check_writable([out], args.force)
    picture = args.picture or out.with_suffix(".png")
    check_writable([picture], args.force)
    check_arguments(args.kind, args.io or ("int8" if args.kind == "int8" else "float32"), args.batch)
    if args.threads < 1:
        raise UserError("1 or more", str(args.threads), "leave it out for one", where="--threads")
    source = load_graph_source(args, args.kind == "int8")
    preprocessing, labels = source.trained.preprocessing, source.trained.class_names
    dataset = _dataset(args, source)
    conversion = convert(source.graph, args.kind, args.io, args.batch)
    report: dict[str, Any] = {
        "model": source.name,
        "weights": source.weights,
        "fresh": source.fresh,
        "out": str(out),
    }
    report |= measure(conversion, args.threads) | _size(source.model)
    report["notes"] = list(source.notes)
    report["accuracy"], pixels, report["layer_images"] = _accuracy(args, source, conversion, dataset)
    report["layers"] = _layers(conversion, pixels, preprocessing)
    data, golden = model_file(
        conversion,
        name=source.name,
        preprocessing=preprocessing,
        labels=labels,
        meaning=source.meaning,
        source=_record(source, conversion),
        accuracy=report["accuracy"],
        versions=versions(),
    )
    flatbuffer = len(conversion.flatbuffer)
    report["bytes"] = {"flatbuffer": flatbuffer, "contract": len(data) - flatbuffer, "total": len(data)}
    report["golden"] = [{"name": one.name, "xnnpack_difference": one.xnnpack_difference} for one in golden]
    write_all_whole({out: data, picture: draw(report)})
    report["picture"] = str(picture)
    show(report, output.console)
    output.say(f"wrote {out} and {picture}")
    output.result(report)
    return 0


def _dataset(args: argparse.Namespace, source: Any) -> Any:
    from tformer_keras.data.load import load_dataset

    if args.data is None:
        return None
    if source.fresh:
        raise UserError(
            "trained weights for --data", f"{args.model}, whose weights are fresh", "leave it out"
        )
    dataset = load_dataset(args.data, seed=source.trained.split_seed)
    source.trained.check_classes(dataset, args.data)
    return dataset


def _accuracy(args: argparse.Namespace, source: Any, conversion: Any, dataset: Any) -> tuple[Any, Any, str]:
    """(what LiteRT scores on the test images, pixels for the errors of layers, what these are)."""
    from tformer_keras.data.pixels import labelled_batches, spaced, split_pixels, synthetic_pixels
    from tformer_keras.deploy.compare.conversion_report import LAYER_IMAGES, scores_in_litert
    from tformer_keras.tasks.classification import evaluate_scores

    preprocessing, names = source.trained.preprocessing, source.trained.class_names
    if dataset is None:
        pixels = synthetic_pixels(LAYER_IMAGES, preprocessing.input_size)
        return None, pixels, f"{len(pixels)} generated images"
    scores = scores_in_litert(conversion.flatbuffer, preprocessing, source.meaning, args.threads)
    batches = labelled_batches(dataset.test, preprocessing, len(names), "accuracy in LiteRT")
    evaluation = evaluate_scores(scores, batches, names)
    accuracy = {
        "data": dataset.name,
        "images": evaluation.images,
        "top1": evaluation.top1,
        "top5": evaluation.top5,
        "cross_entropy": evaluation.cross_entropy,
        "runtime": "LiteRT with XNNPACK",
    }
    pixels = split_pixels(dataset.test, preprocessing, spaced(len(dataset.test), LAYER_IMAGES))
    return accuracy, pixels, f"{len(pixels)} test images"


def _layers(conversion: Any, pixels: Any, preprocessing: Any) -> list[dict[str, Any]]:
    from tformer_keras.deploy.compare.conversion_report import measure_layers

    return measure_layers(conversion, pixels, preprocessing)


def _size(model: Any) -> dict[str, int | None]:
    from tformer_keras.models.counting import count

    try:
        size = count(model)
    except ValueError:  # a layer of the user's own, for which there is no counting rule
        return {"parameters": None, "macs": None}
    return {"parameters": size.parameters, "macs": size.macs}


def _record(source: Any, conversion: Any) -> dict[str, Any]:
    """The contract's `source`: what the file was made from, and how."""
    return {
        **source.trained.record,
        "weights": source.weights,
        "conversion": {
            "kind": conversion.kind,
            "target": conversion.source.target,
            "rewrites": list(conversion.source.rewrites),
        },
    }
