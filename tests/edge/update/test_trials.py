"""P7: releases that crash, hang or lose their power before they are confirmed; M2: files that no self-test survives."""

import os
import stat
import sys
import time

import pytest

from tests.edge.update.repositories import made_model
from tests.fresh_process import fresh_module
from tformer_edge import process_runner
from tformer_edge.update.model_check import check_model
from tformer_edge.update.update_state import UpdateFailure, UpdateState


@pytest.fixture
def on_trial(site, device):
    """A device whose release 2 is on trial; what the models are is not looked at."""
    for seed in (0, 1):
        site.release(made_model(seed))
        assert device.update(trial=True).state is UpdateState.UPDATED
    assert device.store.state().trial == 0
    return device


@pytest.mark.parametrize(
    ("mode", "step"), [("kill", 2), ("zero", 2), ("half", 3)], ids=["killed", "lost writes", "half writes"]
)
def test_D5_P7_power_loss_with_an_unconfirmed_release_never_confirms_it(on_trial, tmp_path, mode, step):
    work = tmp_path / "work"
    work.mkdir()
    found = fresh_module(
        "tests.edge.update.trial_worker", on_trial.store.folder, work, mode, step, seconds=300
    )
    assert set(found) == {"opened", "confirmed", "given_up"} and min(found.values()) >= 8
    assert found["confirmed"] > found["opened"]


def test_P7_an_update_between_the_openings_does_not_end_a_trial(on_trial):
    for _ in range(3):
        on_trial.store.bundle()
        assert on_trial.update(trial=True).state is UpdateState.UP_TO_DATE
    on_trial.store.bundle()
    assert on_trial.data() == made_model(0) and on_trial.store.state().failed == (2,)


def child_that(monkeypatch, tmp_path, does):
    """Children that compute are this shell script."""
    script = tmp_path / "child"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(process_runner.sys, "executable", str(script))


@pytest.mark.parametrize("does", ["exec sleep 600", "kill -SEGV $$", "exit 0", "exec yes", "kill -STOP $$"])
def test_M2_a_self_test_that_hangs_or_crashes(site, device, models, monkeypatch, tmp_path, does):
    site.release(made_model(0))
    device.update()
    real = (models / "int8-1.tflite").read_bytes()
    site.release(real, allow_full=True)
    defaults = list(process_runner.ProcessRunner.__init__.__defaults__)
    monkeypatch.setattr(process_runner.ProcessRunner.__init__, "__defaults__", (*defaults[:-2], 1.0, 1.0))
    child_that(monkeypatch, tmp_path, does)
    begun = time.monotonic()
    report = device.update(check=check_model)
    assert report.state is UpdateState.SELFTEST_FAILED and device.data() == made_model(0), report
    assert time.monotonic() - begun < 30 and device.store.state().failed == (2,)
    assert sys.executable.endswith("child") and os.path.exists(sys.executable)


def altered(data, change):
    """The file with its flatbuffer's tables changed by `change`, and a contract that fits."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    from tformer_edge.contract import describe, read_model_file, write_model_file

    file = read_model_file(data)
    model = schema.ModelT.InitFromPackedBuf(file.flatbuffer)
    change(model, schema)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    flatbuffer = bytes(builder.Output())
    contract = describe(flatbuffer, file.labels, file.golden, name="altered", image=file.contract.image)
    return write_model_file(flatbuffer, contract, file.labels, file.golden)


def unknown_operator(model, schema):
    for code in model.operatorCodes:
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = b"no_such_operator"


def huge_arena(model, schema):
    """A tensor between two operators that wants 2⁴⁰ bytes."""
    graph = model.subgraphs[0]
    inner = graph.operators[0].outputs[0]
    graph.tensors[inner].shape = [1, 1 << 20, 1 << 20, 1]


def operand_that_is_not_there(model, schema):
    model.subgraphs[0].operators[-1].inputs = [1 << 20]


@pytest.mark.parametrize("change", [unknown_operator, huge_arena, operand_that_is_not_there])
def test_M2_a_graph_that_cannot_run(models, change):
    data = (models / "int8-1.tflite").read_bytes()
    check_model(altered(data, lambda model, schema: None))
    with pytest.raises(UpdateFailure) as error:
        check_model(altered(data, change))
    assert error.value.state is UpdateState.SELFTEST_FAILED
