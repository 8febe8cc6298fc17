"""Firmware of a detector and a segmenter: compiled, its own check run, and fed with what TFLite Micro computes."""

import dataclasses
import functools
import re
import shutil
import subprocess

import numpy as np
import pytest

from tests.deploy.micro.decoder_programs import BOXES, CLASSES, MAIN, OPTIONS
from tests.deploy.micro.scene_files import PREPROCESSING, RULE, pictures, scene_file
from tests.deploy.micro.test_firmware import COMPILERS, DECLARATIONS, RUN
from tformer_edge.contract import read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_edge.interface import interface_of
from tformer_edge.quantized_input import input_table, quantize_pixels
from tformer_edge.tasks import find_task
from tformer_keras.deploy.micro.firmware import file_names, write_firmware
from tformer_keras.deploy.micro.micro_operations import RESOLVER_METHODS
from tformer_keras.deploy.micro.micro_run import run_in_micro
from tformer_keras.deploy.tflite.interpreter import LiteRT

DECODERS = {"detection": "detections", "segmentation": "class_map"}
PICTURES = 24
# Runs the firmware's own check of answers on the golden outputs, one value changed where an argument says so.
CHECK = """
#include <stdio.h>
#include "golden_vectors.h"
using namespace tformer_model;
int main(int count, char**) {
  static OutputType values[kOutputValues];
  for (int vector = 0; vector < kGoldenCount; ++vector) {
    const OutputType* maps[kOutputCount];
    const OutputType* map = values;
    for (size_t i = 0; i < kOutputValues; ++i) values[i] = kGolden[vector].output[i];
    if (count > 1) for (size_t i = 0; i < kOutputSizes[0]; ++i) values[i] = -values[i];
    for (int i = 0; i < kOutputCount; map += kOutputSizes[i++]) maps[i] = map;
    printf("%d", AnswerIsGolden(vector, maps));
  }
}
"""


@functools.cache
def firmware(task):
    file = read_model_file(scene_file(task))
    return write_firmware(file, read_graph(file.flatbuffer), RUN, "scene.tflite", margin=100)


def write(folder, task):
    for name, data in firmware(task).files.items():
        (folder / name).write_bytes(data)
    return sorted(name for name in firmware(task).files if name.endswith(".cc"))


def compiled(folder, *sources):
    if shutil.which("g++") is None:
        pytest.skip("needs g++: apt-get install g++")
    command = ["g++", *OPTIONS, *sources, "-o", "program"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "program"


@pytest.mark.parametrize("task", list(DECODERS))
@pytest.mark.parametrize("compiler", list(COMPILERS))
def test_compilers_take_every_source(compiler, task, tmp_path):
    command, options, how = COMPILERS[compiler]
    if shutil.which(command) is None:
        pytest.skip(f"needs {command}: {how}")
    sources = write(tmp_path, task)
    decoder = f"{DECODERS[task]}.cc"
    shared = ["golden_vectors.cc", "main.cc", "model_contract.cc", "model_data.cc"]
    assert sources == sorted(["golden_answers.cc", decoder, *shared])
    # The large arrays are those of a classifier: test_firmware.py has them compiled.
    mine = ["main.cc", "golden_answers.cc", decoder]
    flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-c"]
    command = [command, *options, *flags, f"-I{DECLARATIONS}", *mine]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    makefile = (tmp_path / "Makefile").read_text()
    (listed,) = re.findall(r"^SOURCES := (.*)$", makefile, re.MULTILINE)
    assert sorted(listed.split()) == sources


@pytest.mark.parametrize("task", list(DECODERS))
def test_its_own_check_passes_and_can_fail(task, tmp_path):
    write(tmp_path, task)
    (tmp_path / "check.cc").write_text(CHECK)
    program = compiled(tmp_path, "check.cc", "golden_vectors.cc", "golden_answers.cc", f"{DECODERS[task]}.cc")
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"11"
    assert subprocess.run([program, "other"], capture_output=True, check=True).stdout == b"00"


@pytest.mark.parametrize("task", list(DECODERS))
def test_tflite_micro_and_cpp_give_what_litert_and_tformer_edge_give(task, tmp_path):
    pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")
    file = read_model_file(scene_file(task))
    graph = read_graph(file.flatbuffer)
    table = input_table(PREPROCESSING, graph.inputs[0].scales[0], graph.inputs[0].zero_points[0])
    inputs = np.stack([quantize_pixels(one[None], table) for one in pictures(PICTURES)])
    run = run_in_micro(file.flatbuffer, inputs, len(graph.outputs))
    write(tmp_path, task)
    answer = BOXES if task == "detection" else CLASSES
    (tmp_path / "answers.cc").write_text(MAIN.format(header=f"{DECODERS[task]}.h", answer=answer))
    program = compiled(tmp_path, "answers.cc", f"{DECODERS[task]}.cc")
    given = b"".join(output[number].tobytes() for number in range(PICTURES) for output in run.outputs)
    received = subprocess.run([program], input=given, capture_output=True, check=True).stdout
    reference, interface = LiteRT(file.flatbuffer, "reference"), interface_of(file, None, None, None)
    expected = [
        find_task(task).golden_answer(
            reference.run(one), reference.outputs, interface, PREPROCESSING.input_size
        )
        for one in inputs
    ]
    assert received == b"".join(expected)
    assert len(set(expected)) > PICTURES / 2
    reference.close()


@pytest.mark.parametrize("task", list(DECODERS))
def test_sizes_and_texts(task):
    made, file = firmware(task), read_model_file(scene_file(task))
    readme = made.files["README.md"].decode()
    assert f"| RAM: decoder | {made.decoder_bytes:,}: {made.decoder_memory} |" in readme
    assert f"`{DECODERS[task]}.*`" in readme and "$" not in readme
    assert sorted(made.files) == file_names(file)
    if task == "detection":
        assert made.decoder_memory.startswith(f"{RULE.max_boxes} boxes and ")
    else:
        assert made.decoder_bytes == PREPROCESSING.input_size[1]
    header = (DECLARATIONS / "tensorflow/lite/micro/micro_mutable_op_resolver.h").read_text()
    assert set(re.findall(r"Add\w+", header)) <= set(RESOLVER_METHODS.values())


def test_an_answer_of_another_reading_is_refused():
    file = read_model_file(scene_file("detection"))
    golden = tuple(dataclasses.replace(one, answer_sha256="0" * 64) for one in file.golden)
    records = tuple(dataclasses.replace(record, answer_sha256="0" * 64) for record in file.contract.golden)
    contract = dataclasses.replace(file.contract, golden=records)
    other = read_model_file(write_model_file(file.flatbuffer, contract, file.labels, golden))
    with pytest.raises(UserError, match="the golden answer of 'noise'"):
        write_firmware(other, read_graph(other.flatbuffer), RUN, "x.tflite")


def test_tensors_that_are_not_the_contracts_are_refused():
    file = read_model_file(scene_file("detection"))
    graph = read_graph(read_model_file(scene_file("segmentation")).flatbuffer)
    with pytest.raises(UserError, match="as the contract says"):
        write_firmware(file, graph, RUN, "x.tflite")
