"""int8 files of the ablations' rows, with random weights: speed does not depend on what a model has learnt.

In two sizes: TFormer-S at 224×224, between whose forms a user of a phone or a Pi chooses, and the small TFormer whose
accuracy is measured. Kept in build/benchmarks until something that they are made of changes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.ablation_rows import ROWS, Row
from benchmarks.peers import CACHE, cached_file, convert_by_tformer, in_a_process, randomise, sources_key

FORMS = ("tformer_s", "small")


def convert(row: Row, form: str) -> bytes:
    """The row's int8 file by this package's own conversion."""
    import keras

    from benchmarks.ablation_models import build_row, form_config

    keras.utils.set_random_seed(0)
    model = build_row(row, form_config(row, form))
    randomise(model)
    return convert_by_tformer(model, "int8")


def row_file(row: Row, form: str, cache: Path = CACHE) -> Path:
    """The cached file, or a new one, which then takes an older one's place.

    Raises:
        UserError: the conversion failed.
    """
    what = (form, repr(sorted(row.overrides.items())), str(row.depthwise))
    sources = [Path(__file__), Path(__file__).with_name("ablation_models.py")]
    return cached_file(
        cache,
        f"ablation-{form}-{row.name}",
        sources_key(what, sources, ("layers", "models", "deploy")),
        lambda path: in_a_process([__file__, row.name, form, "--out", str(path)]),
    )


def main() -> int:
    """Converts one row into a file."""
    parser = argparse.ArgumentParser(description="convert one row of the ablations")
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("--out", required=True, type=Path, help="the .tflite file to write")
    args = parser.parse_args()
    args.out.write_bytes(convert(ROWS[args.row], args.form))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
