"""`tformer_edge` on an emulated Raspberry Pi computes what it computes here (`make pi`).

QEMU runs Debian's Python for arm64 as a Cortex-A72 (Pi 4) or A76 (Pi 5). Reference kernels are equal bit for bit;
XNNPACK has other kernels for each core, whose largest difference is printed.
"""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.pi.conftest import convert
from tests.pi.emulated import ROOT, guest
from tformer_edge.contract import read_model_file
from tformer_edge.model import Model

IMAGES = {"cifar": 20, "tformer_s": 2}
# Shipped models of boxes and masks, and how they are asked.
SCENES = {"detector_micro_bccd": {"score_threshold": 0.008}, "segmenter_micro_camvid": {}}
# Units of the last place by which XNNPACK's outputs on Arm may differ from x86's reference kernels.
XNNPACK_UNITS = {"cifar": 10, "tformer_s": 6}


@pytest.fixture(scope="session")
def models(cifar):
    """The shipped models and a fresh TFormer-S, as the converter writes them."""
    folder = cifar.parent
    convert(folder / "tformer_s.tflite", "tformer_s", "--int8", "--calibration", "random")
    for name in SCENES:
        convert(folder / f"{name}.tflite", name, "--int8")
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Crops of scikit-learn's photographs, without loss, so that both sides decode equal pixels."""
    from sklearn.datasets import load_sample_images

    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(max(IMAGES.values())):
        photo = load_sample_images().images[number % 2]
        top, left = (random.integers(0, side - 120) for side in photo.shape[:2])
        Image.fromarray(photo[top : top + 120, left : left + 120]).save(folder / f"{number:02}.png")
    return folder


PROGRAM = """
import json, sys
from pathlib import Path
from tformer_edge import Model
model, photos, kernels, count = sys.argv[1:]
with Model(model, kernels=kernels, threads=1) as m:
    for path in sorted(Path(photos).iterdir())[: int(count)]:
        answer = m.predict(path)
        print(json.dumps([answer.top[0].index, answer.quantized.tolist()]))
"""


# The commands' own process is proven on this machine, and there by test_pi_update.py; without one they start sooner.
HERE = ("--trusted",)


@pytest.mark.parametrize("core", ["cortex-a72", "cortex-a76"])
@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
@pytest.mark.parametrize("name", list(IMAGES))
def test_it_answers_as_here(name, kernels, core, sysroot, models, photos):
    path = models / f"{name}.tflite"
    done = guest(sysroot, core, "-c", PROGRAM, str(path), str(photos), kernels, str(IMAGES[name]))
    assert done.returncode == 0, done.stderr
    received = [json.loads(line) for line in done.stdout.splitlines()]
    with Model(path, kernels="reference") as model:
        here = [model.predict(photo) for photo in sorted(photos.iterdir())[: IMAGES[name]]]
    assert len(received) == IMAGES[name] and len({answer.quantized.tobytes() for answer in here}) > 1
    differences = [
        np.abs(np.array(r[1]) - h.quantized.astype(int)).max() for r, h in zip(received, here, strict=True)
    ]
    same = sum(r[0] == h.top[0].index for r, h in zip(received, here, strict=True))
    print(
        f"\n{name}, {core}, {kernels}: largest difference {max(differences)} LSB, same label {same} of {len(here)}"
    )
    assert max(differences) <= (0 if kernels == "reference" else XNNPACK_UNITS[name])


@pytest.mark.parametrize("core", ["cortex-a72", "cortex-a76"])
@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
def test_the_self_test_passes(kernels, core, sysroot, models):
    path = str(models / "cifar.tflite")
    command = ("selftest", path, "--kernels", kernels, "--json", *HERE)
    done = guest(sysroot, core, "-m", "tformer_edge.cli", *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["passed"]


@pytest.mark.parametrize("core", ["cortex-a72", "cortex-a76"])
def test_the_commands_run(core, sysroot, models, photos):
    """Times mean nothing under QEMU; that each command ends well and says what it says here does."""
    path = str(models / "cifar.tflite")

    def edge(*arguments):
        done = guest(sysroot, core, "-m", "tformer_edge.cli", *arguments, "--json", *HERE)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    (measured,) = edge("benchmark", path, "--runs", "3", "--warmup", "1", "--threads", "1")
    assert measured["runs"] == 3 and 0 < measured["p50_ms"] <= measured["p99_ms"] and not measured["isolated"]
    (shown,) = edge("inspect", path)
    contract = json.loads(read_model_file(path).contract.to_bytes())
    assert shown["contract"] == contract and shown["delegation"]["partitions"] == 1
    with Model(path) as model:
        assert shown["tensors"]["input"]["shape"] == list(model.input.shape)
        assert shown["delegation"]["left"] == model.delegation().left
    folder = photos.parent / f"two for {core}"
    folder.mkdir(exist_ok=True)
    for photo in sorted(photos.iterdir())[:2]:
        shutil.copy(photo, folder)
    answers = edge("run", path, str(folder), "--kernels", "reference", "--top", "2")
    with Model(path, kernels="reference") as model:
        here = [model.predict(photo, top=2).to_json() for photo in sorted(folder.iterdir())]
    # Scores are the same to the bit; the softmax is for display, and its last bits are another library's.
    assert [[(one["index"], one["score"]) for one in answer["top"]] for answer in answers] == [
        [(one["index"], one["score"]) for one in answer["top"]] for answer in here
    ]
    (watched, _) = edge("watch", path, str(folder), "--existing", "--count", "2")
    assert watched["label"] in {answer["label"] for answer in answers}


SCENES_PROGRAM = """
import hashlib, json, sys
from pathlib import Path
from tformer_edge import Model
from tformer_edge.latency import input_of
path, photos, options = sys.argv[1:]
with Model(path, kernels="reference", threads=1) as m:
    print(json.dumps([hashlib.sha256(one.tobytes()).hexdigest() for one in m.run(input_of(m))]))
    for photo in sorted(Path(photos).iterdir())[:2]:
        answer = m.predict(photo, **json.loads(options))
        found = hashlib.sha256(answer.class_map.tobytes()).hexdigest() if hasattr(answer, "class_map") else ""
        print(json.dumps([found, answer.to_json()]))
"""


@pytest.mark.parametrize("core", ["cortex-a72", "cortex-a76"])
@pytest.mark.parametrize("name", list(SCENES))
def test_outputs_boxes_and_class_maps_are_equal_to_the_bit(name, core, sysroot, models, photos):
    """Of photographs of other things; at a low score there are many boxes, and ties among them."""
    program = ("-c", SCENES_PROGRAM, str(models / f"{name}.tflite"), str(photos), json.dumps(SCENES[name]))
    done = guest(sysroot, core, *program)
    assert done.returncode == 0, done.stderr
    here = subprocess.run([sys.executable, *program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == here.stdout
    _, *answers = [json.loads(line) for line in here.stdout.splitlines()]
    assert len(answers) == 2 and answers[0] != answers[1]
    for _, answer in answers:
        assert len(answer["objects"]) > 20 if name.startswith("detector") else len(answer["areas"]) > 1
