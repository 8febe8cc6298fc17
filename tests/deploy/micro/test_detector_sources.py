"""Boxes in C++ against `tformer_edge`, to the bit, on maps that no model would give."""

import dataclasses
import struct

import numpy as np
import pytest

from tests.deploy.micro.decoder_programs import Decoder
from tformer_edge.anchors import of_retinanet
from tformer_edge.errors import UserError
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks import find_task
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.micro.detector_sources import DETECTION_BYTES, detector_sources, golden_boxes

# kind, input, strides, scales of anchors, labels, rule, whether all levels have one scale.
CASES = {
    "tiny": ("int8", (96, 96), (8, 16, 32), (4.0,), 80, DetectionRule(), False),
    "odd": (
        "uint8",
        (70, 52),
        (8, 16, 32, 64, 128),
        (4.0, 5.0, 6.3),
        3,
        DetectionRule(0.05, 0.0, 50, 7),
        False,
    ),
    "ties": ("int8", (61, 83), (4, 8), (1.0, 2.5), 2, DetectionRule(0.5, 0.37, 100_000, 10_000), True),
}


def outputs_of(kind, size, strides, scales, labels, rule, equal):
    """(outputs, infos): scales of powers of 2 no more than others."""
    random = np.random.default_rng(7)
    outputs, infos = [], []
    for level in of_retinanet(strides, scales):
        for name, values in (("logits", labels), ("deltas", 4)):
            output = Output(f"{name}_{level.stride}", name, level.stride, level.shapes)
            shape = (1, *output.map_size(size), len(level.shapes) * values)
            scale = float(np.float32(0.043 if equal else random.uniform(0.01, 0.1)))
            zero_point = int(random.integers(-20, 20)) + (128 if kind == "uint8" else 0)
            infos.append(TensorInfo(shape, kind, scale, 3 if equal else zero_point))
            outputs.append(output)
    return outputs, infos


def hostile(infos):
    """Maps: nothing, everything, everything alike, two values, saturated deltas, noise, few peaks, near misses."""
    random = np.random.default_rng(11)
    limits = np.iinfo(infos[0].type)
    low, high = limits.min, limits.max + 1

    def each(logits, deltas):
        return [
            (deltas if number % 2 else logits)(info.shape).astype(info.type)
            for number, info in enumerate(infos)
        ]

    def noise(shape):
        return random.integers(low, high, shape)

    def constant(value):
        return lambda shape: np.full(shape, value)

    def some(*values, share=None):
        return lambda shape: random.choice(values, shape, p=share)

    middle = (low + high) // 2
    yield each(constant(low), noise)
    yield each(constant(high - 1), constant(middle))
    yield each(constant(high - 1), noise)
    yield each(some(low, high - 1), noise)
    yield each(some(low, high - 2, high - 1, share=(0.98, 0.01, 0.01)), some(middle, middle + 1))
    yield each(noise, constant(low))
    yield each(noise, constant(high - 1))
    yield each(noise, some(low, high - 1))
    for _ in range(4):
        yield each(noise, noise)
        yield each(
            some(low, high - 1, share=(0.995, 0.005)),
            lambda shape: random.normal(middle, 6, shape).clip(low, high - 1),
        )


@pytest.mark.parametrize("name", list(CASES))
def test_boxes_equal_those_of_tformer_edge(name, tmp_path):
    _, size, _, _, labels, rule, _ = CASES[name]
    outputs, infos = outputs_of(*CASES[name])
    made = detector_sources(outputs, infos, rule)
    decoder = Decoder(tmp_path, "detection", made, infos, size, labels)
    cases = list(hostile(infos))
    meaning = OutputsMean(tuple(map(str, range(labels))), "logits", tuple(outputs), rule)
    expected = [find_task("detection").golden_answer(maps, infos, meaning, size) for maps in cases]
    received = decoder(cases)
    assert received == b"".join(expected)
    counts = [struct.unpack_from("<I", answer)[0] for answer in expected]
    assert 0 in counts and max(counts) > 1 and len(set(counts)) > 2, counts
    assert name == "ties" or made.values["max_boxes"] in counts
    # Candidates are many more than a level may have.
    assert name == "ties" or (cases[1][0].size > rule.per_level)


def test_arm_without_floating_point_hardware_finds_the_same(tmp_path):
    _, size, _, _, labels, rule, _ = CASES["odd"]
    outputs, infos = outputs_of(*CASES["odd"])
    made = detector_sources(outputs, infos, rule)
    decoder = Decoder(tmp_path, "detection", made, infos, size, labels, arm=True)
    cases = list(hostile(infos))
    meaning = OutputsMean(tuple(map(str, range(labels))), "logits", tuple(outputs), rule)
    expected = [find_task("detection").golden_answer(maps, infos, meaning, size) for maps in cases]
    assert decoder(cases) == b"".join(expected)


def test_memory_is_what_the_compiler_takes(tmp_path):
    outputs, infos = outputs_of(*CASES["odd"])
    made = detector_sources(outputs, infos, DetectionRule(0.05, 0.5, 50, 7))
    candidates = sum(min(50, info.shape[1] * info.shape[2] * info.shape[3]) for info in infos[::2])
    assert made.values["max_candidates"] == candidates
    size = DETECTION_BYTES * 7 + 1024 + 2 * candidates
    assert made.memory_bytes == -(-size // 8) * 8
    decoder = Decoder(tmp_path, "detection", made, infos, (70, 52), 3)
    # The greatest bound that the compiler's own assertion does not take.
    values = {**made.values, "memory_bytes": made.memory_bytes - 1}
    assert decoder.program.exists()
    with pytest.raises(AssertionError, match="more than converters/to_micro.py has reckoned"):
        Decoder(tmp_path, "detection", dataclasses.replace(made, values=values), infos, (70, 52), 3)


def test_a_threshold_that_no_logit_reaches_and_large_maps():
    outputs, infos = outputs_of("int8", (640, 640), (8,), (4.0,), 80, DetectionRule(), False)
    made = detector_sources(outputs, infos, DetectionRule(0.99999999, 0.5))
    assert made.values["index_type"] == "uint32_t" and ", 256, " in made.values["levels"]


def test_golden_boxes_are_literals_of_the_same_numbers():
    answer = struct.pack("<IId4dId4d", 2, 1, 0.1, 0.25, 1 / 3, 9.5, 10.0, 0, -7.25, 0.0, 1e-9, 96.0, 2.0)
    made = golden_boxes([answer, struct.pack("<I", 0)])
    assert made["answer_entries"] == "    {2, kBoxes0},\n    {0, nullptr},"
    rows = [line.strip(" {},").split(", ") for line in made["answer_arrays"].splitlines()[1:-1]]
    assert [[float.fromhex(part) for part in row[:5]] + [int(row[5])] for row in rows] == [
        [0.25, 1 / 3, 9.5, 10.0, 0.1, 1],
        [0.0, 1e-9, 96.0, 2.0, -7.25, 0],
    ]


@pytest.mark.parametrize(("scale", "zero_point"), [(0.0, 0), (0.1, 128), (float("inf"), 0)])
def test_maps_whose_numbers_mean_nothing(scale, zero_point):
    outputs, infos = outputs_of(*CASES["tiny"])
    infos[1] = dataclasses.replace(infos[1], scale=scale, zero_point=zero_point)
    with pytest.raises(UserError, match="a scale over 0 and a zero point"):
        detector_sources(outputs, infos, DetectionRule())
