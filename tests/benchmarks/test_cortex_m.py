"""What a Cortex-M board is given to run, and what is refused before anything is built."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from benchmarks import cortex_m
from tformer_edge.errors import UserError

CORE = "cortex-m4"


@pytest.mark.parametrize(
    "header,received",
    [(None, "none"), ("// nothing", "none"), ("constexpr int kGoldenCount = 1;", "1")],
    ids=["no file", "another file", "one vector"],
)
def test_a_folder_without_two_golden_vectors(tmp_path: Path, header: str | None, received: str):
    if header is not None:
        (tmp_path / "golden_vectors.h").write_text(header)
    with pytest.raises(UserError, match=f"two golden vectors or more, received {received}; give one"):
        cortex_m.measure(tmp_path, tmp_path, CORE, "reference")


def test_a_library_that_was_not_built(tmp_path: Path):
    with pytest.raises(UserError, match=r"built for cortex-m4 with cmsis_nn kernels.*release_cmsis_nn_gcc"):
        cortex_m.library_of(tmp_path, CORE, "cmsis_nn")


def test_a_core_starts_at_newlibs_own_start_with_its_stack_at_the_end(tmp_path: Path):
    """The first two words of the image are what the core reads at reset."""
    compiler = shutil.which("arm-none-eabi-g++")
    if compiler is None:
        pytest.skip("needs arm-none-eabi-g++: apt-get install gcc-arm-none-eabi")
    source, program, image = (tmp_path / name for name in ("main.cc", "program", "image"))
    source.write_text('#include <cstdio>\nint main() { std::puts("x"); return 3; }\n')
    here = Path(cortex_m.__file__).parent
    own = ["-T", str(here / "cortex_m_board.ld"), str(here / "cortex_m_start.cc")]
    flags = cortex_m.FLAGS.format(core=CORE).split()
    subprocess.run([compiler, *flags, str(source), *own, "-o", str(program)], check=True, capture_output=True)
    names = subprocess.run(["arm-none-eabi-nm", str(program)], check=True, capture_output=True, text=True)
    addresses = {
        line.split()[-1]: int(line.split()[0], 16) for line in names.stdout.splitlines() if line[0] != " "
    }
    subprocess.run(
        ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".vectors", str(program), str(image)], check=True
    )
    stack, start = struct.unpack("<II", image.read_bytes()[:8])
    assert stack == addresses["stack_top"] == 0x20400000
    assert start == addresses["_start"] | 1  # Thumb
