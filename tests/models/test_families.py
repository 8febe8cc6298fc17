"""All models by name: each builds, its task is that of its outputs, and fields of a backbone are changed by name."""

import dataclasses

import numpy as np
import pytest

from tests.models.tiny_detectors import BACKBONE
from tformer_edge.errors import UserError
from tformer_keras.models import DETECTORS, SEGMENTERS, VARIANTS
from tformer_keras.models.counting import count
from tformer_keras.models.families import (
    BACKBONE as PREFIX,
)
from tformer_keras.models.families import (
    CONFIGS,
    build_config,
    changed,
    field_names,
    shipped_model,
    task_of_config,
)
from tformer_keras.models.output_maps import outputs_of, task_of

SMALL = ["detector_micro", "detector_tiny", "segmenter_micro", "segmenter_tiny"]


def test_the_families_share_no_name():
    assert len(CONFIGS) == len(VARIANTS) + len(DETECTORS) + len(SEGMENTERS)


@pytest.mark.parametrize("name", [*SMALL, "tformer_micro"])
def test_a_models_task_is_its_configurations(name):
    model = build_config(CONFIGS[name], name)
    assert model.name == name and task_of(model) == task_of_config(CONFIGS[name])
    assert model.input_shape[1:] == CONFIGS[name].input_shape


@pytest.mark.parametrize(
    "name,parameters,outputs",
    [("detector_micro", 0.6e6, 10), ("detector_tiny", 0.32e6, 6), ("segmenter_micro", 0.6e6, 1),
     ("segmenter_tiny", 0.32e6, 1)],
)  # fmt: skip
def test_models_for_devices_are_small(name, parameters, outputs):
    model = build_config(CONFIGS[name], name)
    assert count(model).parameters < parameters and len(model.outputs) == outputs
    assert not [layer.name for layer in model.layers if "scale" in layer.name]


def test_a_detector_for_microcontrollers_has_three_anchors_on_three_levels():
    maps = outputs_of(build_config(CONFIGS["detector_tiny"], "detector_tiny"))
    assert [one.stride for one in maps] == [8, 8, 16, 16, 32, 32]
    assert {len(one.anchors) for one in maps} == {3}


def test_fields_are_changed_by_name():
    config = changed(
        CONFIGS["detector_tiny"], {"classes": 3, "input_shape": (64, 32, 3), "backbone.width": 0.125}
    )
    assert (config.classes, config.input_shape, config.backbone.width) == (3, (64, 32, 3), 0.125)
    assert config.backbone == dataclasses.replace(
        CONFIGS["detector_tiny"].backbone, width=0.125, input_shape=(64, 32, 3)
    )
    assert changed(CONFIGS["tformer_s"], {"classes": 7}).classes == 7
    with pytest.raises(TypeError):
        changed(CONFIGS["detector_tiny"], {"backbone.colour": 1})
    with pytest.raises(ValueError, match="`levels` expected"):
        changed(CONFIGS["detector_tiny"], {"levels": 9})


@pytest.mark.parametrize("name", ["detector_tiny", "segmenter_tiny", "tformer_s"])
def test_every_named_field_can_be_changed(name):
    config = CONFIGS[name]
    for field in field_names(config):
        holder, own = (
            (config.backbone, field.removeprefix(PREFIX)) if field.startswith(PREFIX) else (config, field)
        )
        assert changed(config, {field: getattr(holder, own)}) == config
    assert "backbone" not in field_names(config)


def test_a_size_that_no_level_fits_is_still_built():
    model = build_config(
        dataclasses.replace(
            CONFIGS["detector_tiny"], backbone=dataclasses.replace(BACKBONE, input_shape=(5, 9, 3))
        ),
        "small",
    )
    assert [tuple(output.shape[1:3]) for output in model.outputs[0::2]] == [(1, 2), (1, 1), (1, 1)]


def test_a_shipped_detector_is_built_of_its_own_configuration() -> None:
    model = shipped_model("detector_micro_bccd")
    assert model.input_shape == (None, 256, 320, 3) and len(model.outputs) == 10
    # Trained: a fresh head's biases are all of one value.
    assert np.unique(model.get_layer("logits_conv").bias.numpy()).size > 20
    with pytest.raises(
        UserError,
        match="a shipped name: tformer_micro_cifar10, tformer_micro_cifar10_small, tformer_micro_cifar10_l",
    ):
        shipped_model("detector_micro_voc")


def test_a_shipped_segmenter_is_built_of_its_own_configuration() -> None:
    model = shipped_model("segmenter_micro_camvid")
    assert model.input_shape == (None, 352, 480, 3)
    assert [output.shape for output in model.outputs] == [(None, 88, 120, 11)]
