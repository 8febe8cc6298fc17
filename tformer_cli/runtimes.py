"""`tformer runtimes`: model files on each runtime that they are for, and whether the answers are the same."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tformer_edge.errors import UserError

if TYPE_CHECKING:
    from tformer_cli.console import Output
    from tformer_keras.data.dataset import ImageSplit
    from tformer_keras.deploy.compare.runtimes import RuntimeReport

EPILOG = """examples:
  tformer runtimes digits.tflite digits-micro.tflite --data digits
  tformer runtimes model.tflite --data photos/ --images 500 --pi build/pi-sysroot

LiteRT's reference kernels define what is right: on an emulated Raspberry Pi they must give the same bits, and so must
TensorFlow Lite Micro for a file made with --target micro. XNNPACK rounds otherwise; what that changes is printed. The
exit code is 1 where bits differ that must not."""

SHOWN = 8  # images in the picture
# Of an image: a smaller share of the same boxes or pixels is shown in red.
ALIKE = 0.9


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
    from tformer_edge.contract import read_model_file
    from tformer_edge.files import check_writable, write_all_whole
    from tformer_keras.data.load import load_dataset
    from tformer_keras.data.pixels import spaced
    from tformer_keras.deploy.compare.runtimes import compare_runtimes

    output = Output(args.json)
    if args.images < 0:
        raise UserError("0 (all) or more", str(args.images), "take another number", where="--images")
    if args.picture is not None:
        check_writable([args.picture], args.force)
    files = {path: read_model_file(path) for path in args.models}
    test = load_dataset(args.data, seed=args.split_seed).test
    indices = spaced(len(test), args.images or len(test))
    reports = {path: compare_runtimes(path, file, test, indices, args.pi) for path, file in files.items()}
    for path, rows in reports.items():
        _show(f"{path.name}: {len(indices)} images of {args.data}", rows, len(indices), output)
    every = [report for rows in reports.values() for report in rows]
    if args.picture is not None:
        write_all_whole({args.picture: _draw(test, indices, every)})
        output.say(f"wrote {args.picture}")
    output.result(
        {
            "data": str(args.data),
            "images": len(indices),
            "runtimes": [report.to_json() for report in every],
        }
    )
    return 1 if any(report.wrong for report in every) else 0


def _show(title: str, reports: list[RuntimeReport], count: int, output: Output) -> None:
    import rich.table

    table = rich.table.Table(title=title, title_justify="left")
    headline = reports[0].evaluation.headline.name
    for name in ("runtime", headline, "same answer", "same bits", "largest difference"):
        table.add_column(name, justify="left" if name == "runtime" else "right")
    for report in reports:
        table.add_row(
            report.runtime,
            report.evaluation.headline.shown,
            _share(report.same),
            f"{count - report.different} of {count}" if report.exact else "need not",
            f"{report.largest_lsb} LSB",
            style="bold red" if report.wrong else None,
        )
    output.console.print(table)


def _share(same: Any) -> str:
    """Of answers that are the same or not, how many; of boxes and pixels, the mean share."""
    if all(one in (0.0, 1.0) for one in same.tolist()):
        return f"{int(same.sum())} of {len(same)}"
    return f"{100 * same.mean():.2f} %"


def _draw(test: ImageSplit, indices: list[int], reports: list[RuntimeReport]) -> bytes:
    """PNG: some images, and below each what every runtime answers; red where that is not the reference's answer."""
    from matplotlib.figure import Figure

    from tformer_keras.tasks.plot_text import plot_text

    places = range(0, len(indices), max(1, len(indices) // SHOWN))[:SHOWN]
    figure = Figure(figsize=(2 + 1.4 * len(places), 2.2 + 0.25 * len(reports)), layout="constrained")
    axes = figure.subplots(2, len(places), squeeze=False, height_ratios=[2, 0.3 * len(reports)])
    for column, place in enumerate(places):
        above, below = axes[:, column]
        above.imshow(test.pixels(indices[place]))
        above.set_title(plot_text(test.names[indices[place]][-18:]), fontsize=7)
        for row, report in enumerate(reports):
            height = 1 - (row + 0.5) / len(reports)
            colour = "k" if report.same[place] > ALIKE else "r"
            answer = plot_text(report.answers[place])
            below.text(0.5, height, answer, ha="center", va="center", color=colour, fontsize=7)
            if column == 0:
                name = plot_text(f"{report.file.name}: {report.runtime}")
                below.text(-0.1, height, name, ha="right", va="center", fontsize=7, transform=below.transAxes)
        for one in (above, below):
            one.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
