"""The steps of the comparison of int8 ways on a stand-in: each is done once, and the table holds them all."""

import argparse
import json

import keras
import pytest

from benchmarks import architectures
from benchmarks.architecture_files import by_tensorflow
from benchmarks.peers import convert_by_tformer
from tformer_edge.errors import UserError
from tformer_keras.data.load import load_dataset


@pytest.fixture
def study(monkeypatch, tmp_path):
    """One member of two layers on digits, whose own commands are stood in for; and what was done, in order."""
    done = []

    def train(name, images, classes, epochs, file):
        done.append("train")
        inputs = keras.Input((32, 32, 3))
        x = keras.layers.Conv2D(8, 3, strides=4, activation="relu")(inputs)
        model = keras.Model(inputs, keras.layers.Dense(classes)(keras.layers.Flatten()(x)))
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        pixels = architectures.preprocessing_of(name, 32).normalise(images.train)
        model.fit(pixels, images.train_labels, epochs=4, verbose=0)
        model.save(file)

    def ours(file, labels, preprocessing, data, out, options):
        done.append(out.name)
        assert len(labels) == 10 and ("--ptq" in options) == (out.name == "calibrated")
        calibration = preprocessing.normalise(images.train[:32])
        return convert_by_tformer(keras.models.load_model(file), "int8", calibration=[calibration]), []

    def other(model, batches):
        done.append("ai-edge-quantizer")
        assert len(batches) == architectures.CALIBRATION_IMAGES and batches[0].shape == (1, 32, 32, 3)
        return by_tensorflow(model, batches[:32])

    for name, stand_in in (("train", train), ("ours", ours), ("by_ai_edge_quantizer", other)):
        monkeypatch.setattr(architectures, name, stand_in)
    dataset = load_dataset("digits", seed=0)
    images = architectures.images_of(dataset, 600, 200)
    args = argparse.Namespace(out=tmp_path, data="digits", epochs=1, quantize_steps=1)
    return lambda: architectures.Study("MobileNetV2", args, dataset, images), done


def test_each_step_is_done_once_and_the_table_has_all(study, tmp_path):
    make, done = study
    found = make().run()
    assert done == ["train", "ai-edge-quantizer", "calibrated", "trained"]
    assert make().run() == found and len(done) == 4
    plain = found["float"]["accuracy"]
    assert plain > 0.5
    for way in list(architectures.WAYS)[1:]:
        assert abs(found[way]["accuracy"] - plain) < 0.05 and found[way]["partitions"] == 1
    rows = architectures.table({"MobileNetV2": found}).splitlines()
    assert len(rows) == 2 + len(architectures.WAYS) and f"| {100 * plain:.2f} % |" in rows[2]


def test_a_step_that_fails_is_done_again_and_the_others_are_kept(study, monkeypatch, tmp_path):
    make, done = study
    whole = architectures.ours

    def failing(file, labels, preprocessing, data, out, options):
        if out.name == "trained":
            raise UserError("a command to end well", "an error", "mend it")
        return whole(file, labels, preprocessing, data, out, options)

    monkeypatch.setattr(architectures, "ours", failing)
    with pytest.raises(UserError):
        make().run()
    said = json.loads((tmp_path / "MobileNetV2" / "results.json").read_text())
    assert list(said) == ["float", "tensorflow", "ai-edge-quantizer", "calibrated"]
    monkeypatch.setattr(architectures, "ours", whole)
    assert list(make().run()) == list(architectures.WAYS) and done.count("calibrated") == 1
