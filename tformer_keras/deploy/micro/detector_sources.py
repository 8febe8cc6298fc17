"""What `detections.h` and its C++ are filled with: anchors, thresholds and tables of a detector, and golden boxes."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tformer_edge.box_coding import size_factors
from tformer_edge.exponential import logit, sigmoid
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.runner import TensorInfo
from tformer_keras.deploy.micro.answer_sources import (
    AnswerSources,
    all_values,
    check_quantization,
    map_values,
)
from tformer_keras.deploy.micro.cpp_literals import double, doubles, floats

# sizeof(Detection) where doubles are aligned to 8 bytes, which is the most.
DETECTION_BYTES = 5 * 8 + 4 + 4
COUNTS_BYTES = 256 * 4
# A level's factors of sizes in float64, and its scores in float32.
LEVEL_TABLE_BYTES = 256 * (8 + 4)
LEVEL_BYTES = 64
# A logit that none of 256 values reaches.
NONE_IS_ENOUGH = 256
GOLDEN_HEAD, GOLDEN_BOX = struct.Struct("<I"), struct.Struct("<Id4d")


def detector_sources(
    outputs: Sequence[Output], infos: Sequence[TensorInfo], rule: DetectionRule
) -> AnswerSources:
    """Of a detector's maps, int8 or uint8, of one image; without golden answers.

    Raises UserError for maps without a scale.
    """
    check_quantization(infos)
    logits, deltas = infos[::2], infos[1::2]
    most = [min(rule.per_level, math.prod(info.shape)) for info in logits]
    candidates = sum(most)
    boxes = min(rule.max_boxes, candidates)
    small = all(math.prod(info.shape) <= 1 << 16 for info in logits)
    memory = DETECTION_BYTES * boxes + COUNTS_BYTES + (2 if small else 4) * candidates
    memory = -(-memory // 8) * 8
    anchors = [output.anchors for output in outputs[::2]]
    values = map_values(infos) | {
        "answer_header": "detections.h",
        "score_threshold": repr(rule.score_threshold),
        "iou_threshold": repr(rule.iou_threshold),
        "per_level": f"{rule.per_level:,}",
        "max_boxes": boxes,
        "max_candidates": candidates,
        "index_type": "uint16_t" if small else "uint32_t",
        "memory_bytes": memory,
        "memory_text": f"{memory:,}",
        "output_names": f"of {len(logits)} levels, the finest first, the logits and then the deltas",
        "anchor_count": len(anchors[0]),
        "lowest": int(all_values(infos[0])[0]),
        "levels": "\n".join(
            _level(
                output, logits[number], deltas[number], rule.score_threshold, sum(most[:number]), most[number]
            )
            for number, output in enumerate(outputs[::2])
        ),
        "anchors": "\n".join(
            "    {" + ", ".join(f"{{{double(width)}, {double(height)}}}" for width, height in level) + "},"
            for level in anchors
        ),
        "size_factors": "\n".join(
            f"    {{\n{doubles(size_factors(info.dequantize(all_values(info))))}\n    }}," for info in deltas
        ),
        "scores": "\n".join(
            f"    {{\n{floats(sigmoid(info.dequantize(all_values(info))))}\n    }}," for info in logits
        ),
    }
    return AnswerSources(
        values=values,
        sources=("golden_answers.cc", "detections.cc"),
        table_bytes=len(logits) * (LEVEL_TABLE_BYTES + LEVEL_BYTES + 16 * len(anchors[0])),
        memory_bytes=memory,
        memory=f"{boxes:,} boxes and {candidates:,} candidates",
        golden_length="kOutputValues",
        text="`detections.*` (boxes, labels and scores from the model's maps, to the last bit what `tformer_edge` "
        "finds, in memory that you give it)",
    )


def golden_boxes(answers: Sequence[bytes]) -> dict[str, Any]:
    """The placeholders of golden answers, which are those of docs/contract.md."""
    arrays, entries = [], []
    for number, answer in enumerate(answers):
        (count,) = GOLDEN_HEAD.unpack_from(answer)
        if count:
            boxes = "\n".join(
                f"    {{{', '.join(map(double, (*sides, found)))}, {label}}},"
                for label, found, *sides in GOLDEN_BOX.iter_unpack(answer[GOLDEN_HEAD.size :])
            )
            arrays.append(f"const GoldenBox kBoxes{number}[] = {{\n{boxes}\n}};")
        entries.append(f"    {{{count}, {f'kBoxes{number}' if count else 'nullptr'}}},")
    return {"answer_arrays": "\n\n".join(arrays), "answer_entries": "\n".join(entries)}


def _level(
    output: Output, logits: TensorInfo, deltas: TensorInfo, threshold: float, first: int, most: int
) -> str:
    values = all_values(logits)
    over = np.flatnonzero(logits.dequantize(values) > logit(threshold))
    parts = (
        *logits.shape[1:3],
        output.stride,
        int(values[over[0]]) if over.size else NONE_IS_ENOUGH,
        double(logits.scale),
        logits.zero_point,
        double(deltas.scale),
        deltas.zero_point,
        first,
        most,
    )
    return f"    {{{', '.join(map(str, parts))}}},"
