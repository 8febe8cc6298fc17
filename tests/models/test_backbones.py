"""Backbones of detectors and segmenters: a classifier's weights in them, and files that do not fit."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.tiny_detectors import BACKBONE, DETECTOR, detector, segmenter
from tformer_edge.errors import UserError
from tformer_keras.models import RetinaNet, TFormer, backbones
from tformer_keras.models.backbones import HEAD, features_of

NAME = "tformer_micro_cifar10"


@pytest.fixture(scope="module")
def classifier(randomise) -> keras.Model:
    return randomise(TFormer(BACKBONE))


@pytest.fixture(scope="module")
def file(classifier, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("classifier") / "classifier.keras"
    classifier.save(path)
    return str(path)


@pytest.mark.parametrize("build", [detector, segmenter])
def test_a_classifiers_file_fills_the_backbone_and_nothing_else(build, classifier, file):
    keras.utils.set_random_seed(5)
    model = build(weights=file, input_shape=(64, 64, 3))  # an input of another size has the same weights
    keras.utils.set_random_seed(5)
    fresh = build(input_shape=(64, 64, 3))
    copied = 0
    for layer, untouched in zip(model.layers, fresh.layers, strict=True):
        source = {one.name: one for one in classifier.layers if not one.name.startswith(HEAD)}
        expected = source.get(layer.name, untouched)
        copied += layer.name in source and bool(layer.weights)
        for given, wanted in zip(layer.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(given), ops.convert_to_numpy(wanted))
    assert copied == sum(bool(layer.weights) for layer in features_of(BACKBONE).layers)


def test_the_backbone_of_shipped_weights(classifier, monkeypatch):
    """The one that ships has three stages; a name is a way to a classifier all the same."""
    with pytest.raises(UserError, match="weights of the backbone in tformer_micro_cifar10, received "):
        RetinaNet(BACKBONE, weights=NAME, **DETECTOR)
    monkeypatch.setattr(backbones, "build", lambda variant, weights: {NAME: classifier}[weights])
    model = RetinaNet(BACKBONE, weights=NAME, **DETECTOR)
    given, wanted = (ops.convert_to_numpy(m.get_layer("stage1_patch").kernel) for m in (model, classifier))
    np.testing.assert_array_equal(given, wanted)


def test_a_classifier_of_another_backbone_is_refused(file):
    wider = dataclasses.replace(BACKBONE, widths=(8, 8, 8, 16))
    with pytest.raises(
        UserError, match="retinanet: expected weights of the backbone in .*, received others for"
    ):
        RetinaNet(wider, weights=file, **DETECTOR)
    deeper = dataclasses.replace(BACKBONE, depths=(1, 1, 2, 1))
    with pytest.raises(UserError, match="others for its layer stage3_block2"):
        RetinaNet(deeper, weights=file, **DETECTOR)


def test_a_classifier_with_more_blocks_than_the_backbone_is_refused(tmp_path):
    TFormer(dataclasses.replace(BACKBONE, depths=(1, 1, 2, 1))).save(tmp_path / "deeper.keras")
    with pytest.raises(UserError, match="weights of the backbone in .*also a layer stage3_block2"):
        RetinaNet(BACKBONE, weights=str(tmp_path / "deeper.keras"), **DETECTOR)


def test_a_classifiers_name_that_does_not_exist():
    with pytest.raises(UserError, match=r"expected a \.keras file, a run's folder, or a name"):
        RetinaNet(BACKBONE, weights="imagenet", **DETECTOR)


def test_a_file_cut_short_is_refused(file, tmp_path):
    path = tmp_path / "short.keras"
    with open(file, "rb") as whole:
        path.write_bytes(whole.read()[:5000])
    with pytest.raises(UserError):
        RetinaNet(BACKBONE, weights=str(path), **DETECTOR)
