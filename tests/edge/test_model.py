"""`Model` on real files: what it says, refuses and survives."""

import numpy as np
import pytest
from PIL import Image

from tests.edge.tiny_models import LABELS, PREPROCESSING, raw
from tformer_edge import Model, Preprocessing, UserError, selftest
from tformer_edge.contract import read_model_file, write_model_file
from tformer_edge.process_runner import ProcessRunner
from tformer_edge.tasks.classification import rank


@pytest.mark.parametrize("kernels", ["xnnpack", "reference"])
@pytest.mark.parametrize("isolated", [False, True])
def test_its_answer_is_the_interpreters_dequantized(folder, photos, kernels, isolated):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    path = folder / "int8-1.tflite"
    resolver = OpResolverType.BUILTIN_REF if kernels == "reference" else OpResolverType.AUTO
    interpreter = Interpreter(model_content=raw(path), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    given, output = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = given["quantization"]
    out_scale, out_zero = output["quantization"]
    with Model(path, kernels=kernels, isolated=isolated, threads=2) as model:
        assert model.isolated is isolated and model.kernels == kernels
        for photo in photos:
            real = PREPROCESSING.normalise(PREPROCESSING.pixels(photo)).astype("float64")
            tensor = np.clip(np.rint(real / scale) + zero_point, -128, 127).astype("int8")
            interpreter.set_tensor(given["index"], tensor[None])
            interpreter.invoke()
            expected = interpreter.get_tensor(output["index"])[0]
            answer = model.predict(photo, top=2)
            np.testing.assert_array_equal(answer.quantized, expected)
            np.testing.assert_array_equal(answer.scores, (expected.astype("float64") - out_zero) * out_scale)
            assert len(answer.top) == 2 and answer.top[0].index == int(np.argmax(expected))
            assert answer.label == LABELS[answer.top[0].index]
            powers = np.exp(answer.scores)
            assert answer.probability == pytest.approx(powers.max() / powers.sum())


def test_every_source_and_a_batch_say_the_same(folder, photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    same = [
        photos[0],
        str(tmp_path / "photo.png"),
        tmp_path / "photo.png",
        (tmp_path / "photo.png").read_bytes(),
        Image.fromarray(photos[0]),
    ]
    with Model(folder / "int8-1.tflite") as one, Model(folder / "int8-4.tflite") as four:
        expected = one.predict(photos[0])
        for source in same:
            np.testing.assert_array_equal(one.predict(source).quantized, expected.quantized)
        alone = [one.predict(photo).quantized for photo in photos]
        for model in (one, four):  # 6 images in batches of 4: the last batch is not full
            together = model.predict(photos)
            np.testing.assert_array_equal([answer.quantized for answer in together], alone)
        stacked = np.stack([photos[0], photos[0][::-1]])
        assert len(four.predict(stacked)) == 2 and four.predict([]) == []


def test_other_input_types_agree_within_their_rounding(folder, photos):
    with (
        Model(folder / "int8-1.tflite") as int8,
        Model(folder / "uint8-1.tflite") as uint8,
        Model(folder / "float32-1.tflite") as float32,
    ):
        step = int8.outputs[0].scale
        for photo in photos:
            expected = int8.predict(photo)
            other = uint8.predict(photo)
            np.testing.assert_array_equal(other.quantized.astype(int), expected.quantized.astype(int) + 128)
            np.testing.assert_allclose(float32.predict(photo).scores, expected.scores, atol=1.01 * step)
            assert float32.predict(photo).quantized.dtype == np.float32


def test_a_file_without_a_contract_runs_with_arguments_in_its_own_process(folder, photos):
    with Model(folder / "int8-1.tflite") as model:
        expected = model.predict(photos[1])
    hand = {"preprocessing": PREPROCESSING, "labels": LABELS, "meaning": "logits"}
    with Model(raw(folder / "int8-1.tflite"), **hand) as model:
        assert model.isolated and model.file.contract is None
        answer = model.predict(photos[1])
    assert answer.top == expected.top
    with Model(raw(folder / "int8-1.tflite")) as model:
        assert model.run(np.zeros(model.input.shape, "int8"))[0].shape == (1, 3)
        with pytest.raises(UserError, match="preprocessing, labels and meaning"):
            model.predict(photos[1])


def test_arguments_and_images_that_do_not_go_together(folder, photos, tmp_path):
    path = folder / "int8-1.tflite"
    hand = {"preprocessing": PREPROCESSING, "labels": LABELS, "meaning": "logits"}
    for source, arguments, words in (
        (path, hand, "expected no preprocessing, labels and meaning"),
        (raw(path), {"labels": LABELS}, "received only some"),
        (raw(path), hand | {"labels": LABELS[:2]}, r"received int8 \(1, 3\)"),
        (raw(path), hand | {"preprocessing": Preprocessing((8, 8))}, r"received int8 \(1, 12, 10, 3\)"),
        (raw(path), hand | {"meaning": "guesses"}, "'logits' or 'probabilities'"),
        (path, {"threads": 0}, "1 to 256 threads"),
        (path, {"kernels": "fast"}, "kernels among xnnpack, reference"),
        (tmp_path / "none.tflite", {}, "none.tflite"),
    ):
        with pytest.raises(UserError, match=words):
            Model(source, **arguments)
    model = Model(path)
    for image, words in ((3, "received int"), (photos[0][..., 0], "shape"), (photos[0] / 255, "uint8")):
        with pytest.raises(UserError, match=words):
            model.predict(image)
    with pytest.raises(UserError, match="top of at least 1"):
        model.predict(photos[0], top=0)
    with pytest.raises(UserError, match=r"int8 \(1, 12, 10, 3\), received float32"):
        model.run(np.zeros((1, 12, 10, 3), "float32"))
    model.close()
    model.close()
    with pytest.raises(UserError, match="received a closed one"):
        model.predict(photos[0])


def test_a_changed_flatbuffer_never_reaches_the_interpreter(folder):
    data = bytearray((folder / "int8-1.tflite").read_bytes())
    data[len(raw(folder / "int8-1.tflite")) // 2] ^= 1
    with pytest.raises(UserError, match="SHA-256|sha256"):
        Model(bytes(data))


def test_a_hostile_flatbuffer_with_its_own_contract_ends_its_own_process_alone(folder):
    """Bytes overwritten and the SHA-256 made anew: whatever LiteRT does with them, this process goes on."""
    import dataclasses
    import hashlib

    file = read_model_file(folder / "int8-1.tflite")
    random = np.random.default_rng(0)
    outcomes = []
    for _ in range(6):
        bad = bytearray(file.flatbuffer)
        for place in random.integers(8, len(bad), 60):
            bad[place] = random.integers(0, 256)
        contract = dataclasses.replace(file.contract, flatbuffer_sha256=hashlib.sha256(bad).hexdigest())
        whole = write_model_file(bytes(bad), contract, file.labels, file.golden)
        try:
            with Model(whole, isolated=True) as model:
                outcomes.append(all(result.passed for result in selftest(model)))
        except UserError as error:
            assert "LiteRT" in str(error) or "expected" in str(error)
            outcomes.append(False)
    assert not all(outcomes)


def test_a_child_that_takes_too_long_is_ended(folder):
    with pytest.raises(UserError, match="took over 0.001 s"):
        ProcessRunner(raw(folder / "int8-1.tflite"), load_seconds=0.001)


def test_equal_scores_stand_by_lower_index():
    values = np.array([-128, 5, 5, -128], "int8")
    answer = rank(values, values.astype("float64"), ("a", "b", "c", "d"), "logits", 9)
    assert [one.index for one in answer.top] == [1, 2, 0, 3]
    with pytest.raises(ValueError, match="read-only"):
        answer.scores[0] = 1


@pytest.mark.parametrize("name", ["int8-1", "int8-4", "uint8-1", "float32-1"])
@pytest.mark.parametrize("kernels", ["xnnpack", "reference"])
def test_the_self_test_passes_on_the_machine_that_made_the_file(folder, name, kernels):
    with Model(folder / f"{name}.tflite", kernels=kernels) as model:
        results = selftest(model)
    assert [result.name for result in results] == ["noise", "smooth colours"]
    assert all(result.passed for result in results)
    if kernels == "reference":
        assert all(result.difference == 0 for result in results)


def test_the_self_test_finds_another_answer(folder):
    import dataclasses

    file = read_model_file(folder / "int8-1.tflite")
    golden = [dataclasses.replace(one, output=bytes(b ^ 0x40 for b in one.output)) for one in file.golden]
    other = read_model_file(write_model_file(file.flatbuffer, _renewed(file, golden), file.labels, golden))
    assert other.golden != file.golden
    data = write_model_file(file.flatbuffer, _renewed(file, golden), file.labels, golden)
    with Model(data) as model:
        results = selftest(model)
    assert not any(result.passed for result in results) and all(result.difference >= 64 for result in results)
    with Model(raw(folder / "int8-1.tflite")) as model, pytest.raises(UserError, match="golden vectors"):
        selftest(model)


def _renewed(file, golden):
    from tformer_edge.contract import describe

    contract = file.contract
    return describe(
        file.flatbuffer,
        file.labels,
        golden,
        name=contract.name,
        image=contract.image,
        batch=contract.batch,
        input_type=contract.input_type,
        output_type=contract.output_type,
        output_meaning=contract.output_meaning,
        source=contract.source,
        accuracy=contract.accuracy,
        versions=contract.versions,
    )


@pytest.mark.parametrize("isolated", [False, True])
def test_names_in_a_file_cannot_move_the_cursor(folder, isolated):
    """LiteRT quotes the name of an operator that it does not know."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    file = schema.ModelT.InitFromPackedBuf(raw(folder / "int8-1.tflite"))
    code = file.operatorCodes[file.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"\x1b[2Jclear"
    builder = flatbuffers.Builder()
    builder.Finish(file.Pack(builder), b"TFL3")
    with pytest.raises(UserError, match=r"\\x1b\[2Jclear") as error:
        Model(bytes(builder.Output()), isolated=isolated)
    assert str(error.value).isprintable()
