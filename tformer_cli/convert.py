"""`tformer convert`: writes a model as one .tflite file for devices, with its contract, and reports on it."""

import argparse
from pathlib import Path
from typing import Any

from tformer_cli import convert_options, model_options
from tformer_cli.rules_option import read_rules

EPILOG = """examples:
  tformer convert --int8                                            the shipped CIFAR-10 model
  tformer convert runs/photos-int8 --data photos/                   a folder of `tformer quantize`, with accuracy
  tformer convert runs/photos --ptq --calibration photos/train      without quantization-aware training
  tformer convert runs/photos --fp16 --out photos.tflite
  tformer convert tformer_s --calibration random                    fresh weights, for measurements of speed
  tformer convert --io pixels --output scores                       raw pixels in, scores out: for other programs
  tformer convert detector_micro_bccd --for mediapipe               a detector for MediaPipe Tasks
  tformer convert --target micro --vela ethos-u55-128               and compiled for an Arm NPU

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
        choices=("int8", "uint8", "float32", "pixels", "pixels-int8"),
        help="inputs and outputs (default: int8 of int8, else float32); pixels: the input takes the picture's own "
        "numbers, 0 to 255, as uint8 (float32 of other kinds than int8), without mean and deviation; pixels-int8: "
        "these - 128",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="with --io pixels: normalise by an operation of its own, not in the first convolution, whose padding then "
        "is a little beside the mean; the report says what it costs",
    )
    parser.add_argument(
        "--output",
        choices=("logits", "scores"),
        default="logits",
        help="scores: a classifier ends in a softmax inside the file, as other people's programs want it (default: "
        "logits, as the model ends)",
    )
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="images at a time (default: 1)")
    parser.add_argument(
        "--for",
        dest="made_for",
        choices=("mediapipe",),
        help="a file that MediaPipe Tasks open: --io pixels, and --output scores of a classifier; a detector's "
        "outputs are joined into two",
    )
    parser.add_argument(
        "--names",
        choices=("none", "short", "full"),
        help="of the tensors in the file: none; short ones, which other programs ask for (12 bytes each; the default "
        "of litert, where micro has none); or in full, those of layers",
    )
    parser.add_argument(
        "--no-metadata",
        action="store_true",
        help="leave TFLite Metadata out, by which other programs know inputs, outputs and labels (about 900 bytes)",
    )
    for option, what in (("author", "who made the model"), ("licence", "under which it may be used")):
        parser.add_argument(f"--{option}", metavar="TEXT", help=f"{what}, for TFLite Metadata")
    parser.add_argument("--model-version", metavar="TEXT", help="the model's, for TFLite Metadata")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of the latency (default: 1)")
    parser.add_argument(
        "--no-verify",
        action="store_true",
        help="write the file without the proof that it computes what the model computes",
    )
    parser.add_argument(
        "--vela",
        metavar="NPU",
        help="compile the file for an Arm NPU too (ethos-u55-32 to -256, ethos-u65-256, -512): its operations, memory "
        "and time are reported, FILE-NPU.tflite is written, and the graph has the forms that NPUs compute fastest",
    )
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


def _about(args: argparse.Namespace) -> Any:
    from tformer_edge.errors import UserError
    from tformer_keras.deploy.tflite.metadata import About

    given = {"author": args.author, "licence": args.licence, "version": args.model_version}
    said = {name: value for name, value in given.items() if value is not None}
    if args.no_metadata and said:
        raise UserError(
            "--no-metadata alone", f"{', '.join(said)} to write there too", "leave one of both out"
        )
    return None if args.no_metadata else About(**said)


def run(args: argparse.Namespace) -> int:
    """Converts, reports, and writes the file and its picture."""
    from tformer_cli.console import Output
    from tformer_edge.files import check_writable, write_all_whole
    from tformer_keras.deploy.compare.conversion_table import draw, show
    from tformer_keras.deploy.conversion_options import ConversionOptions
    from tformer_keras.deploy.model_conversion import convert_model

    output = Output(args.json)
    read_rules(args.rules)
    out = args.out or default_out(args)
    check_writable([out], args.force)
    picture = args.picture or out.with_suffix(".png")
    compiled = out.with_name(f"{out.stem}-{args.vela}.tflite") if args.vela else None
    check_writable([picture, *([compiled] if compiled else [])], args.force)
    options = ConversionOptions(
        kind=args.kind,
        io=args.io,
        made_for=args.made_for,
        output=args.output,
        exact=args.exact,
        batch=args.batch,
        names=args.names,
        metadata=_about(args),
        threads=args.threads,
        data=args.data,
        verify=not args.no_verify,
        npu=args.vela,
        **convert_options.graph_options(args),
    )
    file, report = convert_model(args.model, options, model_options.bare_preprocessing(args))
    files = {out: file.to_bytes(), picture: draw(report, out.name)}
    if compiled and report.npu:
        files[compiled] = report.npu.compiled
    write_all_whole(files)
    show(report, str(out), output.console)
    output.say(f"wrote {', '.join(map(str, files))}")
    named = {"out": str(out), "picture": str(picture), "compiled": str(compiled) if compiled else None}
    output.result({**report.to_json(), **named})
    return 0
