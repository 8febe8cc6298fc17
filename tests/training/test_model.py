"""A detector that begins training with a classifier's weights."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.tiny_detectors import BACKBONE, DETECTOR
from tformer_edge.errors import UserError
from tformer_keras.models import TFormer
from tformer_keras.models.retinanet import RetinaNetConfig, build_detector
from tformer_keras.tasks.detection import DETECTION
from tformer_keras.training.model import copy_weights


def filled(path, depths: tuple[int, ...], source_depths: tuple[int, ...]) -> tuple[keras.Model, keras.Model]:
    source = TFormer(dataclasses.replace(BACKBONE, depths=source_depths))
    source.save(path)
    config = RetinaNetConfig(dataclasses.replace(BACKBONE, depths=depths), **DETECTOR)
    model = build_detector(config, "detector")
    copy_weights(model, config, str(path), DETECTION)
    return model, source


def test_the_backbone_takes_a_classifiers_weights(tmp_path):
    model, source = filled(tmp_path / "classifier.keras", (1, 1, 2, 1), (1, 1, 2, 1))
    names = [layer.name for layer in model.layers if layer.weights and layer.name.startswith("stage")]
    assert "stage3_block2_ffn_expand" in names
    for name in names:
        for given, wanted in zip(model.get_layer(name).weights, source.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(given), ops.convert_to_numpy(wanted))


@pytest.mark.parametrize(
    ("depths", "source_depths", "received"),
    [((1, 1, 2, 1), (1, 1, 1, 1), "others for its layer"), ((1, 1, 1, 1), (1, 1, 2, 1), "also a layer")],
)
def test_no_block_of_the_backbone_begins_anew_unsaid(tmp_path, depths, source_depths, received):
    with pytest.raises(UserError, match=f"weights of the backbone in .*{received} stage3_block2"):
        filled(tmp_path / "classifier.keras", depths, source_depths)
