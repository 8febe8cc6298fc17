"""Forks, threads and models that are dropped: no wrong answer, no lost standard error, no process left behind."""

import gc
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from tests.fresh_process import fresh
from tformer_edge.errors import UserError
from tformer_edge.litert_runner import LiteRTRunner
from tformer_edge.model import Model
from tformer_edge.process_runner import ProcessRunner

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# In a process of its own: a fork of pytest's would have its threads and buffers.
ANSWERS = """
import os, signal
import numpy as np
from tformer_edge.model import Model
path, isolated = sys.argv[1], sys.argv[2] == "isolated"
random = np.random.default_rng(0)
images = [random.integers(0, 256, (12, 10, 3), np.uint8) for _ in range(16)]
model = Model(path, threads=2, isolated=isolated)
def answers():
    return [model.predict(image).scores.tolist() for image in images]
expected = answers()
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        signal.alarm(300)
        os._exit(0 if all(answers() == expected for _ in range(5)) else 3)
    children.append(child)
mine = all(answers() == expected for _ in range(5))
# One that never uses the model ends in Python's own way, destructors and all.
idle = os.fork()
if not idle:
    signal.alarm(300)
    sys.exit(0)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in (*children, idle)]
result = [mine, codes, answers() == expected]
"""


@pytest.mark.parametrize("how", ["here", "isolated"])
def test_forked_copies_give_right_answers_and_so_does_the_parent(folder, how):
    assert fresh(ANSWERS, folder / "int8-1.tflite", how) == [True, [0, 0, 0], True]


def test_a_runner_of_another_process_refuses(folder):
    flatbuffer = (folder / "averaged.bin").read_bytes()
    for runner in (LiteRTRunner(flatbuffer), ProcessRunner(flatbuffer)):
        runner.forget()
        with pytest.raises(UserError, match="another process|has ended before"):
            runner.run(np.zeros(runner.input.shape, runner.input.type))


def test_threads_that_load_models_leave_standard_error_where_it_was(folder):
    before = os.readlink("/proc/self/fd/2")
    for _ in range(5):
        threads = [
            threading.Thread(target=lambda: Model(folder / "int8-1.tflite", threads=1).close())
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert os.readlink("/proc/self/fd/2") == before


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_dropped_model_ends_its_process(folder):
    pids = []
    for _ in range(3):
        model = Model(folder / "int8-1.tflite", isolated=True)
        pids.append(model.pid)
        model.predict(np.zeros((9, 9, 3), np.uint8))
        del model
        gc.collect()
    # The timer of the last inference lets go of the model a moment later, in a thread of its own.
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


def test_the_child_of_a_killed_process_ends_too(folder):
    code = (
        "import os, signal; from tformer_edge.model import Model\n"
        "model = Model(sys.argv[1], isolated=True); print(json.dumps(model.pid), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\nresult = None"
    )
    with pytest.raises(AssertionError):
        fresh(code, folder / "int8-1.tflite")
    # Its pid went with the output; no child of ours may be an orphan that waits for ever.
    deadline = time.monotonic() + 60
    while orphans() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not orphans()


def orphans() -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read()
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if b"tformer_edge.child" in command and parent == 1:
            found.append(int(name))
    return found


def test_what_is_no_path_and_no_tensor_is_a_sentence(folder):
    with pytest.raises(UserError, match="a path or bytes, received a bytearray"):
        Model(bytearray(b"x"))
    with Model(folder / "int8-1.tflite") as model, pytest.raises(UserError, match="received a list"):
        model.run([1])
    with Model(folder / "int8-1.tflite", isolated=True) as model, pytest.raises(UserError, match="a list"):
        model.run([1])


def test_tensors_between_operations_are_those_of_this_process(folder):
    flatbuffer = (folder / "averaged.bin").read_bytes()
    here = LiteRTRunner(flatbuffer, "reference", keep_tensors=True)
    there = ProcessRunner(flatbuffer, "reference", keep_tensors=True)
    tensor = np.random.default_rng(0).integers(-128, 128, here.input.shape).astype(here.input.type)
    np.testing.assert_array_equal(here.run(tensor)[0], there.run(tensor)[0])
    for index in range(3):
        np.testing.assert_array_equal(here.tensor(index), there.tensor(index))
    assert there.seconds > 0
    with pytest.raises(UserError, match="number of a tensor"):
        there.tensor(10_000)
    with pytest.raises(UserError, match="keeps tensors"):
        LiteRTRunner(flatbuffer, "reference").tensor(0)
    with pytest.raises(UserError, match="reference kernels where tensors are kept"):
        ProcessRunner(flatbuffer, keep_tensors=True)


@pytest.fixture
def interruptible():
    """Ctrl-C is ignored by what a shell starts in the background, the tests' own process among it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_the_parents_alone(folder, interruptible):
    with Model(folder / "int8-1.tflite", isolated=True) as model:
        assert os.getpgid(model.pid) != os.getpgid(0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        assert len(model.predict(np.zeros((9, 9, 3), np.uint8)).scores) == 3 and sys.stderr
