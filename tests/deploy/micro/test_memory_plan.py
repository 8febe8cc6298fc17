"""The memory plan: no two living tensors overlap, TFLite Micro follows it, and answers stay what they were."""

import functools
import tempfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings

from tests.deploy.micro.test_schedule import problems
from tformer_edge.errors import UserError
from tformer_keras.deploy.conversion import convert
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.micro.memory_plan import METADATA, place, plan_memory
from tformer_keras.deploy.micro.schedule import peak
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.models import build


@functools.cache
def conversions():
    """The same random model for microcontrollers and for LiteRT."""
    import keras

    keras.utils.set_random_seed(2)
    model = build("tformer_micro", input_shape=(32, 32, 3), classes=4, depths=(1, 0, 0, 0), layer_scale=0.7)
    images = np.random.default_rng(0).normal(size=(8, 32, 32, 3)).astype("float32")
    result = {}
    for target in ("micro", "litert"):
        quantized = quantize_aware(model, target=target)
        quantized.calibrate([images])
        result[target] = convert(quantized)
    return result


def as_object(flatbuffer):
    return schema.ModelT.InitFromPackedBuf(flatbuffer)


def offsets_of(model):
    (entry,) = [entry for entry in model.metadata if entry.name == METADATA]
    return np.frombuffer(model.buffers[entry.buffer].data.tobytes(), np.int32)


@settings(max_examples=200, deadline=None)
@given(problems(most=8))
def test_living_tensors_do_not_overlap(problem):
    places = place(problem)
    assert set(places) == set(problem.sizes)
    alive, readers = set(problem.inputs), {}
    for number, step in enumerate(problem.steps):
        for tensor in step.inputs:
            readers[tensor] = number
    for number, step in enumerate(problem.steps):
        dying = {tensor for tensor in step.inputs if readers[tensor] == number} - set(problem.outputs)
        together = sorted(alive | set(step.outputs))
        for index, one in enumerate(together):
            for other in together[index + 1 :]:
                over = (
                    places[one] < places[other] + problem.sizes[other]
                    and places[other] < places[one] + problem.sizes[one]
                )
                # Only the step's own output, over an input that it may overwrite and nobody reads later, in full.
                allowed = {one, other} <= {*step.outputs, *step.in_place} and {one, other} & dying
                assert not over or (allowed and places[one] == places[other])
        alive = (alive | set(step.outputs)) - dying
    total = max(places[tensor] + problem.sizes[tensor] for tensor in places)
    assert total >= peak(problem, range(len(problem.steps)))


def test_the_plan_is_metadata_and_every_computed_tensor_has_a_place():
    flatbuffer = conversions()["micro"].flatbuffer
    model = as_object(flatbuffer)
    offsets = offsets_of(model)
    graph = model.subgraphs[0]
    assert offsets[:3].tolist() == [1, 1, len(graph.tensors)] and len(offsets) == 3 + len(graph.tensors)
    computed = {int(i) for one in graph.operators for i in one.outputs} | set(map(int, graph.inputs))
    assert {index for index, offset in enumerate(offsets[3:]) if offset >= 0} == computed
    assert (offsets[3:][offsets[3:] >= 0] % 16 == 0).all()


def test_planning_again_changes_nothing():
    first = conversions()["micro"].flatbuffer
    again = plan_memory(first)
    assert again.flatbuffer == first and again.bytes == again.least
    assert plan_memory(pack(first).flatbuffer).flatbuffer == first


def micro():
    return pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")


def arena(flatbuffer, image):
    """(head in bytes, output) of TFLite Micro's recording interpreter."""
    import os
    import re

    interpreter = micro().runtime.Interpreter.from_bytes(flatbuffer, arena_size=1 << 20)
    interpreter.set_input(image, 0)
    interpreter.invoke()
    output = interpreter.get_output(0)
    with tempfile.TemporaryFile() as printed:
        kept = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            interpreter.print_allocations()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        printed.seek(0)
        text = printed.read().decode()
    return int(re.search(r"allocation head (\d+)", text).group(1)), output


def test_tflite_micro_follows_the_plan_and_answers_as_litert():
    planned = conversions()["micro"].flatbuffer
    unplanned = pack(planned).flatbuffer  # packing drops metadata
    reference = LiteRT(planned, "reference")
    images = np.random.default_rng(1).integers(-128, 128, (12, 1, 32, 32, 3), dtype=np.int8)
    outputs = []
    for image in images:
        with_plan, answer = arena(planned, image)
        without, other = arena(unplanned, image)
        np.testing.assert_array_equal(answer, reference.run(image)[0])
        np.testing.assert_array_equal(answer, other)
        outputs.append(answer)
    assert len(np.unique(np.concatenate(outputs), axis=0)) > 6
    assert with_plan == plan_memory(planned).bytes < without


def test_xnnpack_ignores_the_plan():
    planned = conversions()["micro"].flatbuffer
    images = np.random.default_rng(2).integers(-128, 128, (4, 32, 32, 3), dtype=np.int8)
    np.testing.assert_array_equal(
        LiteRT(planned, "xnnpack").run_all(images)[0],
        LiteRT(pack(planned).flatbuffer, "xnnpack").run_all(images)[0],
    )


def test_fewer_operations_and_less_memory_than_for_litert():
    both = conversions()
    micro_file, litert_file = both["micro"].file, both["litert"].file
    assert len(micro_file.operations) < 0.7 * len(litert_file.operations)
    assert plan_memory(both["micro"].flatbuffer).bytes < plan_memory(both["litert"].flatbuffer).bytes
    # Microcontrollers pay for products: the same as for LiteRT, none of them with zero.
    assert micro_file.macs <= litert_file.macs


def test_a_model_of_several_graphs_is_refused():
    model = as_object(conversions()["micro"].flatbuffer)
    model.subgraphs = [model.subgraphs[0], model.subgraphs[0]]
    import flatbuffers

    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(UserError, match="one graph without state"):
        plan_memory(bytes(builder.Output()))
