"""Class maps in C++ against `tformer_edge`, to the bit."""

import subprocess

import numpy as np
import pytest

from tests.deploy.micro.decoder_programs import Decoder
from tformer_edge.output_json import Output
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks import find_task
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.micro.segmenter_sources import golden_classes, segmenter_sources

# type, input, stride, labels, integers that hold its positions.
CASES = {
    "tiny": ("int8", (96, 96), 8, 19, "int32_t"),
    "odd": ("uint8", (70, 52), 4, 5, "int32_t"),
    "many classes": ("int8", (37, 21), 16, 300, "int32_t"),
    "long fractions": ("int8", (4093, 523), 32, 2, "int64_t"),
}


def hostile(info):
    """Maps: all alike, two values, noise, the extremes, one cell that stands out."""
    random = np.random.default_rng(5)
    limits = np.iinfo(info.type)
    yield np.full(info.shape, limits.max, info.type)
    yield random.choice([limits.min, limits.max], info.shape).astype(info.type)
    yield random.choice([limits.min, 3, 4], info.shape).astype(info.type)
    yield random.integers(limits.min, limits.max + 1, info.shape).astype(info.type)
    single = np.full(info.shape, limits.min, info.type)
    single[0, -1, 0, -1] = limits.max
    yield single


@pytest.mark.parametrize("name", list(CASES))
def test_classes_equal_those_of_tformer_edge(name, tmp_path):
    kind, size, stride, labels, whole = CASES[name]
    output = Output("classes", "class_logits", stride)
    info = TensorInfo((1, *output.map_size(size), labels), kind, 0.07, 9)
    made = segmenter_sources(output, info, size)
    assert made.values["whole_type"] == whole
    assert made.memory_bytes == size[1] * (2 if labels > 256 else 1)
    decoder = Decoder(tmp_path, "segmentation", made, [info], size, labels)
    cases = [[one] for one in hostile(info)][: 2 if whole == "int64_t" else None]
    meaning = OutputsMean(tuple(map(str, range(labels))), "logits", (output,))
    expected = [find_task("segmentation").golden_answer(maps, [info], meaning, size) for maps in cases]
    assert decoder(cases) == b"".join(expected)
    assert all(len(np.unique(np.frombuffer(answer, "<u2"))) > 1 for answer in expected[1:])


def test_classes_of_cells_are_the_highest_logits(tmp_path):
    output = Output("classes", "class_logits", 8)
    info = TensorInfo((1, 5, 7, 4), "int8", 0.1, 0)
    made = segmenter_sources(output, info, (40, 56))
    Decoder(tmp_path, "segmentation", made, [info], (40, 56), 4)
    (tmp_path / "cells.cc").write_text(
        """
#include <stdio.h>
#include "class_map.h"
using namespace tformer_model;
int main() {
  static OutputType map[kOutputValues];
  ClassIndex classes[kMapWidth];
  if (fread(map, 1, kOutputValues, stdin) != kOutputValues) return 1;
  for (int row = 0; row < kMapHeight; ++row) {
    ClassesOfCells(map, row, classes);
    fwrite(classes, sizeof(ClassIndex), kMapWidth, stdout);
  }
}
"""
    )
    subprocess.run(["g++", "-std=c++17", "cells.cc", "class_map.cc", "-o", "cells"], cwd=tmp_path, check=True)
    map_ = np.random.default_rng(0).integers(-2, 2, info.shape).astype(np.int8)
    done = subprocess.run([tmp_path / "cells"], input=map_.tobytes(), capture_output=True, check=True)
    assert done.stdout == map_[0].argmax(axis=-1).astype(np.uint8).tobytes()


def test_golden_classes_are_the_answers_numbers():
    answer = np.arange(250, 280).astype("<u2")
    made = golden_classes([answer.tobytes(), answer.tobytes()])
    lines = made["answer_arrays"].split("\n\n")[1].splitlines()
    assert lines[0] == "const ClassIndex kClasses1[] = {" and lines[-1] == "};"
    assert np.fromstring(" ".join(lines[1:-1]).replace(",", " "), sep=" ").tolist() == answer.tolist()
    assert made["answer_entries"] == "    kClasses0,\n    kClasses1,"
