"""What `class_map.h` and its C++ are filled with: where a segmenter's pixels look in its map, and golden classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tformer_edge.class_maps import axis
from tformer_edge.output_json import Output
from tformer_edge.runner import TensorInfo
from tformer_keras.deploy.micro.answer_sources import AnswerSources, check_quantization, map_values
from tformer_keras.deploy.micro.cpp_literals import integers

# Partial sums of an enlarged logit are below this times the parts of both axes.
LOGIT_SPAN = 512


def segmenter_sources(output: Output, info: TensorInfo, size: tuple[int, int]) -> AnswerSources:
    """Of a segmenter's map, int8 or uint8, of one image of `size` pixels; without golden answers.

    Raises UserError for a map without a scale.
    """
    check_quantization([info])
    height, width, classes = info.shape[1:]
    rows, columns = axis(height, size[0], 0, height), axis(width, size[1], 0, width)
    largest = max(
        LOGIT_SPAN * rows.denominator * columns.denominator,
        (height + 1) * rows.denominator,
        (width + 1) * columns.denominator,
    )
    item = 1 if classes <= 256 else 2
    values = map_values([info]) | {
        "answer_header": "class_map.h",
        "stride": output.stride,
        "map_height": height,
        "map_width": width,
        "class_type": f"uint{8 * item}_t",
        "whole_type": "int32_t" if largest < 1 << 31 else "int64_t",
    }
    for name, one in (("row", rows), ("column", columns)):
        values |= {f"{name}_begin": one.begin, f"{name}_step": one.step, f"{name}_parts": one.denominator}
    return AnswerSources(
        values=values,
        sources=("golden_answers.cc", "class_map.cc"),
        memory_bytes=item * size[1],
        memory="one row of classes",
        golden_length="kOutputValues",
        text="`class_map.*` (the class of each cell or pixel, row by row, to the last bit what `tformer_edge` finds)",
    )


def golden_classes(answers: Sequence[bytes]) -> dict[str, Any]:
    """The placeholders of golden answers, which are those of docs/contract.md."""
    arrays = [
        f"const ClassIndex kClasses{number}[] = {{\n{integers(np.frombuffer(answer, '<u2'))}\n}};"
        for number, answer in enumerate(answers)
    ]
    entries = [f"    kClasses{number}," for number in range(len(answers))]
    return {"answer_arrays": "\n\n".join(arrays), "answer_entries": "\n".join(entries)}
