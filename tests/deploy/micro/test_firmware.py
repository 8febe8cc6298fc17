"""Firmware sources: two compilers read them, their numbers are the file's, and real kernels agree on real images."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import input_table, quantize_pixels
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.border import with_border
from tformer_keras.deploy.conversion import convert, model_file
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.micro.cpp_literals import float32
from tformer_keras.deploy.micro.firmware import write_firmware
from tformer_keras.deploy.micro.micro_operations import RESOLVER_METHODS, check_operations, resolver_methods
from tformer_keras.deploy.micro.micro_run import MicroRun, run_in_micro
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.models import build

DECLARATIONS = Path(__file__).with_name("tflite_micro_declarations")
PREPROCESSING = Preprocessing((16, 16), "shorter", 0.875, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
LABELS = ('a "quoted" one', "Größe", "back\\slash??/", "7 digits")
COMPILERS = {
    "g++": ("g++", [], "apt-get install g++"),
    "arm-none-eabi-g++": (
        "arm-none-eabi-g++",
        ["-mcpu=cortex-m4", "-mthumb", "-ffreestanding"],
        "apt-get install gcc-arm-none-eabi",
    ),
}


@functools.cache
def quantized(**overrides):
    import keras

    keras.utils.set_random_seed(4)
    settings = {"input_shape": (16, 16, 3), "classes": len(LABELS), "depths": (1, 0, 0, 0), "stem_stride": 2}
    model = build("tformer_micro", layer_scale=0.7, **{**settings, **overrides})
    result = quantize_aware(model, target="micro")
    shape = (8, *model.input_shape[1:])
    result.calibrate([np.random.default_rng(0).normal(size=shape).astype("float32")])
    return result


@functools.cache
def file_bytes(io="int8", batch=1):
    return model_file(
        convert(quantized(), "int8", io, batch),
        name="odd labels",
        task="classification",
        preprocessing=PREPROCESSING,
        means=OutputsMean(tuple(LABELS), "logits"),
        source={},
        accuracy=None,
        versions={},
    ).to_bytes()


RUN = MicroRun([np.zeros((1, 1, 4), np.int8)], 5000, 3000, {})


@functools.cache
def firmware():
    file = read_model_file(file_bytes())
    return write_firmware(file, read_graph(file.flatbuffer), RUN, "odd.tflite", margin=100)


@pytest.mark.parametrize("compiler", list(COMPILERS))
def test_a_cpp17_compiler_takes_every_source(compiler, tmp_path):
    command, options, how = COMPILERS[compiler]
    if shutil.which(command) is None:
        pytest.skip(f"needs {command}: {how}")
    for name, data in firmware().files.items():
        (tmp_path / name).write_bytes(data)
    sources = sorted(name for name in firmware().files if name.endswith(".cc"))
    assert sources == ["golden_vectors.cc", "main.cc", "model_contract.cc", "model_data.cc"]
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
    done = subprocess.run(
        [command, *options, *flags, f"-I{DECLARATIONS}", *sources],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_compiled_tables_hold_what_the_file_says(tmp_path):
    if shutil.which("g++") is None:
        pytest.skip("needs g++: apt-get install g++")
    for name, data in firmware().files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "print.cc").write_text(
        """
#include <stdio.h>
#include "golden_vectors.h"
#include "model_data.h"
using namespace tformer_model;
template <class T> void Print(const T* values, size_t count) {
  for (size_t i = 0; i < count; ++i) printf("%d ", static_cast<int>(values[i]));
  printf("\\n");
}
int main() {
  printf("%zu\\n", reinterpret_cast<uintptr_t>(kModelData) % 16);
  Print(kModelData, kModelBytes);
  for (const auto& row : kInputTable) Print(row, 256);
  Print(kGolden[kGoldenCount - 1].input, kInputValues);
  Print(kGolden[kGoldenCount - 1].output, kLabelCount);
  printf("%a %d %a %d %d %d %zu\\n", kInputScale, kInputZeroPoint, kOutputScale, kOutputZeroPoint, kInputHeight,
         kInputWidth, kArenaBytes);
  for (const char* label : kLabels) printf("%s\\n", label);
}
"""
    )
    sources = ["print.cc", "model_data.cc", "model_contract.cc", "golden_vectors.cc"]
    subprocess.run(["g++", "-std=c++17", *sources, "-o", "print"], cwd=tmp_path, check=True)
    lines = (
        subprocess.run(["./print"], cwd=tmp_path, check=True, capture_output=True)
        .stdout.decode()
        .splitlines()
    )
    file = read_model_file(file_bytes())
    graph = read_graph(file.flatbuffer)
    numbers = [np.array(line.split(), int) for line in lines[:7]]
    assert numbers[0].tolist() == [0]
    assert bytes(numbers[1].astype(np.uint8)) == file.flatbuffer
    (given,), (scores,) = graph.inputs, graph.outputs
    table = input_table(PREPROCESSING, given.scales[0], given.zero_points[0])
    np.testing.assert_array_equal(np.stack(numbers[2:5]), table)
    assert numbers[5].astype(np.int8).tobytes() == file.golden[-1].input
    assert numbers[6].astype(np.int8).tobytes() == file.golden[-1].output
    constants = lines[7].split()
    assert [float.fromhex(constants[0]), float.fromhex(constants[2])] == [given.scales[0], scores.scales[0]]
    assert [int(constants[1]), int(constants[3])] == [given.zero_points[0], scores.zero_points[0]]
    assert constants[4:] == ["16", "16", "8112"]  # 8000 and the margin of 100, in steps of 16
    assert lines[8:] == list(LABELS)


def test_pixels_need_no_table_and_scores_no_softmax(tmp_path):
    image = Preprocessing((16, 16), "stretch", 1.0, (128 / 255,) * 3, (0.25,) * 3)
    means = OutputsMean(tuple(LABELS), "logits")
    border = with_border(quantized(), "classification", image, means, io="pixels-int8", output="scores")
    conversion = convert(border.source, "int8", border.io)
    record = {"task": "classification", "source": {}, "accuracy": None, "versions": {}}
    file = model_file(conversion, name="raw", preprocessing=border.image, means=border.means, **record)
    made = write_firmware(file, conversion.file, RUN, "raw.tflite")
    assert made.table_bytes == sum(len(label.encode()) + 5 for label in LABELS)
    header = made.files["model_contract.h"].decode()
    assert "kInputTable" not in header + made.files["model_contract.cc"].decode()
    assert "one score a label, probabilities." in header and f"kOutputScale = {float32(1 / 256)}" in header
    assert "AddSoftmax" in made.files["op_resolver.h"].decode()
    if shutil.which("g++") is None:
        pytest.skip("needs g++: apt-get install g++")
    for name, data in made.files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "print.cc").write_text(
        '#include <stdio.h>\n#include "model_contract.h"\n'
        'int main() { for (int p = 0; p < 256; ++p) printf("%d ", tformer_model::Input(static_cast<uint8_t>(p))); }'
    )
    sources = ["print.cc", "model_contract.cc"]
    subprocess.run(
        ["g++", "-std=c++17", "-Wall", "-Werror", *sources, "-o", "print"], cwd=tmp_path, check=True
    )
    printed = subprocess.run(["./print"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert [int(one) for one in printed.split()] == list(range(-128, 128))


def test_sizes_and_texts():
    made = firmware()
    file = read_model_file(file_bytes())
    assert made.flash_bytes == len(file.flatbuffer) and made.arena_bytes == 8112
    readme = made.files["README.md"].decode()
    assert "odd.tflite" in readme and "8,112 = 8,000 measured + 100 margin" in readme
    resolver = made.files["op_resolver.h"].decode()
    methods = re.findall(r"resolver\.(\w+)\(\)", resolver)
    assert f"MicroMutableOpResolver<{len(methods)}>" in resolver
    kinds = {operation.type for operation in read_graph(file.flatbuffer).operations}
    assert sorted(methods) == sorted(RESOLVER_METHODS[kind] for kind in kinds)
    assert b"$" not in b"".join(data for name, data in made.files.items() if name != "Makefile")


def test_the_declarations_are_methods_of_the_real_resolver():
    header = (DECLARATIONS / "tensorflow/lite/micro/micro_mutable_op_resolver.h").read_text()
    assert set(re.findall(r"Add\w+", header)) <= set(RESOLVER_METHODS.values())


def crops(count, size):
    """Real images: crops of scikit-learn's photographs."""
    from sklearn.datasets import load_sample_images

    photos, random = load_sample_images().images, np.random.default_rng(3)
    for number in range(count):
        photo = photos[number % 2]
        top, left = (int(random.integers(0, side - size)) for side in photo.shape[:2])
        yield photo[top : top + size, left : left + size]


def test_tflite_micro_equals_litert_on_200_real_images():
    pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")
    file = read_model_file(file_bytes())
    (given,) = read_graph(file.flatbuffer).inputs
    table = input_table(PREPROCESSING, given.scales[0], given.zero_points[0])
    inputs = np.stack([quantize_pixels(PREPROCESSING.pixels(crop), table)[None] for crop in crops(200, 60)])
    run = run_in_micro(file.flatbuffer, inputs)
    reference = LiteRT(file.flatbuffer, "reference")
    expected = np.stack([reference.run(one)[0] for one in inputs])
    np.testing.assert_array_equal(run.outputs[0], expected)
    assert len(np.unique(expected.reshape(200, -1), axis=0)) > 100
    unplanned = run_in_micro(pack(file.flatbuffer).flatbuffer, inputs[:1])
    assert run.head < unplanned.head and run.arena == run.head + run.tail
    assert sum(run.parts.values()) <= run.tail


def test_a_damaged_flatbuffer_ends_the_child_alone():
    pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")
    flatbuffer = bytearray(read_model_file(file_bytes()).flatbuffer)
    zeros = np.zeros((1, 1, 16, 16, 3), np.int8)
    # The root offset: whatever the tables then say, the caller gets one sentence.
    flatbuffer[0:4] = (len(flatbuffer) - 8).to_bytes(4, "little")
    with pytest.raises(UserError, match="that TensorFlow Lite Micro can run"):
        run_in_micro(bytes(flatbuffer), zeros)
    with pytest.raises(UserError, match="that TensorFlow Lite Micro can run"):
        run_in_micro(file_bytes(), np.zeros((1, 1, 8, 8, 3), np.int8))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"tformer-keras\[micro\]"):
        run_in_micro(b"", np.zeros((1, 1), np.int8))


def test_operations_that_it_lacks_are_named_with_their_layer():
    with pytest.raises(
        UserError, match=r"\(GELU\), the first of them GELU in layer 'stage1_block1_ffn_activation"
    ):
        convert(quantized(activation="gelu"))
    # A packed file has no names, or short ones that say nothing: the operation's place and its output.
    source = quantize_aware(quantized(activation="gelu").source)
    source.calibrate([np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")])
    for names in ("none", "short"):
        graph = read_graph(convert(source, names=names).flatbuffer)
        with pytest.raises(UserError, match=r"operation \d+ of \d+, whose output is int8 \(1, 8, 8, \d+\)"):
            check_operations(graph)
    assert "AddConv2D" in resolver_methods(read_graph(read_model_file(file_bytes()).flatbuffer))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: ModelFile(read_model_file(file_bytes()).flatbuffer, None), "with a contract"),
        (lambda: read_model_file(file_bytes("float32")), "integers in and out"),
        (lambda: read_model_file(file_bytes("int8", 2)), "one image at a time"),
    ],
)
def test_files_that_firmware_cannot_be_made_of(change, words):
    file = change()
    with pytest.raises(UserError, match=words):
        write_firmware(file, read_graph(file.flatbuffer), RUN, "x.tflite")
