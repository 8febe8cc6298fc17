"""An emulated Raspberry Pi updates itself from a repository that is served here: first contact, then a delta.

The signatures are checked by cryptography's wheel for arm64, the self-test runs in a process of its own there, and the
store then answers as the published files do here, to the bit.
"""

import json

import numpy as np
import pytest

from benchmarks.fleet_models import moved
from tests.edge.update.repositories import Site
from tests.pi.emulated import guest
from tformer_edge.model import Model
from tformer_edge.update.model_check import check_model

CORE = "cortex-a72"

ANSWERS = """
import json, sys
import numpy as np
import tformer_edge
store = tformer_edge.ModelStore(sys.argv[1])
with store.open(kernels="reference", threads=1) as model:
    for golden in model.file.golden:
        tensor = np.frombuffer(golden.input, model.input.type).reshape(model.input.shape)
        print(json.dumps([output.tolist() for output in model.run(tensor)]))
store.confirm()
"""


def answers(data):
    """What a file answers here to its golden inputs, with reference kernels."""
    with Model(data, kernels="reference", threads=1) as model:
        inputs = [
            np.frombuffer(golden.input, model.input.type).reshape(model.input.shape)
            for golden in model.file.golden
        ]
        return [model.run(tensor) for tensor in inputs]


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site")
    yield made
    made.close()


def test_it_updates_itself_by_the_packed_file_and_then_by_a_delta(sysroot, cifar, site, tmp_path):
    first = cifar.read_bytes()
    second = moved(first, 1)
    store, root = tmp_path / "store", tmp_path / "root.json"
    root.write_bytes(site.root())

    def edge(*arguments):
        command = ("-m", "tformer_edge.cli", *arguments, "--store", str(store), "--json")
        done = guest(sysroot, CORE, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def answers_there():
        done = guest(sysroot, CORE, "-c", ANSWERS, str(store))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    for number, data in enumerate((first, second), 1):
        published = site.release(data, check=check_model)
        report = edge("update", site.url, *(("--root", str(root)) if number == 1 else ()))
        assert (report["state"], report["release"]) == ("UPDATED", number), report
        print(f"\nrelease {number} on {CORE}: {report['bytes']}")
        here = [[output.tolist() for output in outputs] for outputs in answers(data)]
        assert answers_there() == here and here
        if number == 1:
            (packed,) = [way for way in published.chosen if way.codec == "full, packed"]
            assert report["bytes"] | {"full": packed.bytes, "delta": 0} == report["bytes"]
        else:
            assert report["bytes"]["full"] == 0 and 0 < report["bytes"]["delta"] < 0.05 * len(data)
    status = edge("status")
    assert status["last_update"] == "UPDATED" and not status["trial"] and status["floor"] == 2
    assert {one["release"]: (one["active"], one["whole"]) for one in status["slots"]} == {
        1: (False, True),
        2: (True, True),
    }
    assert answers(first)[0][0].tolist() != answers(second)[0][0].tolist()
