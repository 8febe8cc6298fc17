"""`tformer runtimes`: model files on each runtime that they are for, and whether the answers are the same."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer runtimes digits.tflite digits-micro.tflite --data digits
  tformer runtimes model.tflite --data photos/ --images 500 --pi build/pi-sysroot

LiteRT's reference kernels define what is right: on an emulated Raspberry Pi they must give the same bits, and so must
TensorFlow Lite Micro for a file made with --target micro. XNNPACK rounds otherwise; what that changes is printed. The
exit code is 1 where bits differ that must not."""

SHOWN = 8  # images in the picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "models", nargs="+", type=Path, metavar="FILE", help="model files of `tformer convert`"
    )
    parser.add_argument(
        "--data", required=True, metavar="DATA", help='labelled images, or "digits": its test images'
    )
    parser.add_argument(
        "--images", type=int, default=100, metavar="N", help="evenly spaced; 0: all (default: 100)"
    )
    parser.add_argument(
        "--pi", type=Path, metavar="FOLDER", help="emulate a Raspberry Pi: a folder of tools/pi_sysroot.sh"
    )
    parser.add_argument("--split-seed", type=int, default=0, help="of data without test images (default: 0)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="a PNG of some images with all answers")
    parser.add_argument("--force", action="store_true", help="overwrite an existing picture")


def run(args: argparse.Namespace) -> int:
    """Runs, compares, prints the table and draws the picture."""
    from tformer_cli.console import Output
    from tformer_edge.files import check_writable, write_all_whole
    from tformer_keras.data.load import load_dataset
    from tformer_keras.data.pixels import spaced

    output = Output(args.json)
    if args.images < 0:
        raise UserError("0 (all) or more", str(args.images), "take another number", where="--images")
    if args.picture is not None:
        check_writable([args.picture], args.force)
    files = {path: _file(path) for path in args.models}
    test = load_dataset(args.data, seed=args.split_seed).test
    indices = spaced(len(test), args.images or len(test))
    rows: list[dict[str, Any]] = []
    answers: list[tuple[str, Any]] = []
    for path, file in files.items():
        found, labels = _compare(path, file, test, indices, args.pi)
        rows += found
        answers += labels
    report = {"data": str(args.data), "images": len(indices), "runtimes": rows}
    _show(report, output)
    if args.picture is not None:
        labels = next(iter(files.values())).labels
        write_all_whole({args.picture: _draw(test, indices, answers, labels)})
        output.say(f"wrote {args.picture}")
    output.result(report)
    wrong = [row for row in rows if row["exact"] and row["different"]]
    return 1 if wrong else 0


def _file(path: Path) -> Any:
    from tformer_edge.contract import read_model_file

    file = read_model_file(path)
    if file.contract is None or file.contract.task != "classification":
        raise UserError("a classifier with a contract", f"{path}", "convert it with converters/to_tflite.py")
    return file


def _compare(path: Path, file: Any, test: Any, indices: list[int], sysroot: Path | None) -> Any:
    import numpy as np

    from tformer_keras.data.pixels import split_pixels
    from tformer_keras.deploy.compare.runtimes import input_tensors, run_everywhere

    truth = test.labels[indices]
    if truth.max() >= len(file.labels):
        raise UserError(
            f"images of the {len(file.labels)} classes of {path}",
            f"a class {int(truth.max())}",
            "give the data that the model was trained for",
        )
    preprocessing = file.contract.image
    inputs = input_tensors(file, split_pixels(test, preprocessing, indices), preprocessing)
    rows, answers, reference = [], [], None
    for runtime in run_everywhere(path, file, inputs, sysroot):
        if reference is None:
            reference = runtime
        steps = np.abs(runtime.outputs.astype(int) - reference.outputs).max(axis=1)
        rows.append(
            {
                "file": str(path),
                "runtime": runtime.name,
                "exact": runtime.exact,
                "top1": float((runtime.labels == truth).mean()),
                "same_label": int((runtime.labels == reference.labels).sum()),
                "different": int((steps > 0).sum()),
                "largest_lsb": int(steps.max()),
            }
        )
        answers.append((f"{path.name}: {runtime.name}", runtime.labels))
    return rows, answers


def _show(report: dict[str, Any], output: Any) -> None:
    import rich.table

    count = report["images"]
    for path in dict.fromkeys(row["file"] for row in report["runtimes"]):
        table = rich.table.Table(
            title=f"{Path(path).name}: {count} images of {report['data']}", title_justify="left"
        )
        for name in ("runtime", "top-1", "same label", "same bits", "largest difference"):
            table.add_column(name, justify="left" if name == "runtime" else "right")
        for row in report["runtimes"]:
            if row["file"] == path:
                table.add_row(
                    row["runtime"],
                    f"{100 * row['top1']:.2f} %",
                    f"{row['same_label']} of {count}",
                    f"{count - row['different']} of {count}" if row["exact"] else "need not",
                    f"{row['largest_lsb']} LSB",
                    style="bold red" if row["exact"] and row["different"] else None,
                )
        output.console.print(table)


def _draw(test: Any, indices: list[int], answers: list[tuple[str, Any]], labels: tuple[str, ...]) -> bytes:
    """PNG: some images, and below each what every runtime says it is; red where that is wrong."""
    from matplotlib.figure import Figure

    shown = indices[:: max(1, len(indices) // SHOWN)][:SHOWN]
    figure = Figure(figsize=(2 + 1.4 * len(shown), 2.2 + 0.25 * len(answers)), layout="constrained")
    axes = figure.subplots(2, len(shown), squeeze=False, height_ratios=[2, 0.3 * len(answers)])
    for column, index in enumerate(shown):
        above, below = axes[:, column]
        above.imshow(test.pixels(index))
        above.set_title(labels[test.labels[index]], fontsize=9)
        place = indices.index(index)
        for row, (name, found) in enumerate(answers):
            right = found[place] == test.labels[index]
            height = 1 - (row + 0.5) / len(answers)
            below.text(
                0.5,
                height,
                labels[found[place]],
                ha="center",
                va="center",
                color="k" if right else "r",
                fontsize=8,
            )
            if column == 0:
                below.text(-0.1, height, name, ha="right", va="center", fontsize=7, transform=below.transAxes)
        for one in (above, below):
            one.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
