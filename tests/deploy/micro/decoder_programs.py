"""Decoders of firmware as programs: maps of all outputs go in, the bytes of golden answers come out."""

import shutil
import string
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tformer_edge.runner import TensorInfo
from tformer_keras.deploy.micro.answer_sources import AnswerSources
from tformer_keras.deploy.micro.firmware import TEMPLATES

# What a compiler may do worst: every instruction of this machine, products fused with sums.
OPTIONS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-ffp-contract=fast",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pedantic",
)
# Arm without floating-point hardware, as a Cortex-M4 computes double, in a form that qemu-arm runs.
ARM_PROGRAM = Path(__file__).with_name("arm_program")
ARM_OPTIONS = (
    *("-std=gnu++17", "-Wno-register", "-O2", "-mthumb", "-march=armv7-a", "-mfloat-abi=soft", "-Dmain=Main"),
    *("-ffreestanding", "-nostdlib", "-static", "-fno-exceptions", "-fno-rtti", f"-I{ARM_PROGRAM}"),
)
CONTRACT = """
#pragma once
#include <stddef.h>
#include <stdint.h>
namespace tformer_model {{
using OutputType = {type}_t;
constexpr int kInputHeight = {size[0]}, kInputWidth = {size[1]}, kLabelCount = {labels};
constexpr int kOutputCount = {output_count};
constexpr size_t kOutputSizes[kOutputCount] = {{{output_sizes}}};
constexpr size_t kOutputValues = {output_values};
}}
"""
BOXES = """
static DetectionMemory memory;
void Answer(const OutputType* const maps[kOutputCount]) {
  const uint32_t count = FindDetections(maps, memory);
  fwrite(&count, 4, 1, stdout);
  for (uint32_t i = 0; i < count; ++i) {
    const Detection& box = memory.found[i];
    fwrite(&box.label, 4, 1, stdout);
    const double values[] = {box.logit, box.left, box.top, box.right, box.bottom};
    fwrite(values, 8, 5, stdout);
  }
}
"""
CLASSES = """
static ClassIndex classes[kInputWidth];
void Answer(const OutputType* const maps[kOutputCount]) {
  for (int row = 0; row < kInputHeight; ++row) {
    ClassesOfPixels(maps[0], row, classes);
    for (int column = 0; column < kInputWidth; ++column) {
      const uint16_t value = classes[column];
      fwrite(&value, 2, 1, stdout);
    }
  }
}
"""
MAIN = """
#include <stdio.h>
#include "{header}"
using namespace tformer_model;
{answer}
static OutputType values[kOutputValues];
int main() {{
  const OutputType* maps[kOutputCount];
  const OutputType* map = values;
  for (int i = 0; i < kOutputCount; map += kOutputSizes[i++]) maps[i] = map;
  while (fread(values, sizeof(OutputType), kOutputValues, stdin) == kOutputValues) Answer(maps);
  return 0;
}}
"""


PACKAGES = {"g++": "g++", "arm-none-eabi-g++": "gcc-arm-none-eabi", "qemu-arm": "qemu-user"}


def need(command: str) -> None:
    """Skips the test, with what to install, where a command is missing."""
    if shutil.which(command) is None:
        pytest.skip(f"needs {command}: apt-get install {PACKAGES[command]}")


class Decoder:
    """A compiled decoder."""

    def __init__(
        self,
        folder: Path,
        task: str,
        made: AnswerSources,
        infos: Sequence[TensorInfo],
        size: tuple[int, int],
        labels: int,
        arm: bool = False,
    ) -> None:
        need("arm-none-eabi-g++" if arm else "g++")
        name = {"detection": "detections", "segmentation": "class_map"}[task]
        for file in (f"{name}.h", f"{name}.cc"):
            text = string.Template((TEMPLATES / task / file).read_text()).substitute(made.values, name="test")
            (folder / file).write_text(text)
        contract = CONTRACT.format(type=infos[0].type, size=size, labels=labels, **made.values)
        (folder / "model_contract.h").write_text(contract)
        answer = BOXES if task == "detection" else CLASSES
        (folder / "main.cc").write_text(MAIN.format(header=f"{name}.h", answer=answer))
        self.program = folder / "decoder"
        self.command = ["qemu-arm", str(self.program)] if arm else [str(self.program)]
        command = ["g++", *OPTIONS, "main.cc", f"{name}.cc", "-o", "decoder"]
        if arm:
            need("qemu-arm")
            sources = [str(ARM_PROGRAM / "start.cc"), "main.cc", f"{name}.cc", "-lgcc"]
            command = ["arm-none-eabi-g++", *ARM_OPTIONS, *sources, "-o", "decoder"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def __call__(self, cases: Sequence[Sequence[np.ndarray]]) -> bytes:
        """The answers of cases, each a map an output, one behind the other."""
        given = b"".join(one.tobytes() for maps in cases for one in maps)
        return subprocess.run(self.command, input=given, capture_output=True, check=True).stdout
