"""The models of the latency table of classifiers."""

import numpy as np
import pytest

from benchmarks.peers import latency_peers
from benchmarks.peers.latency_peers import PEERS


def test_resnet18_is_torchvisions():
    from tformer_keras.models.counting import count

    assert count(PEERS["resnet18"].build()).parameters == latency_peers.RESNET18_PARAMETERS == 11_689_512


def test_a_resnet18_of_another_size_is_refused(monkeypatch):
    monkeypatch.setattr(latency_peers, "RESNET18_PARAMETERS", 11_689_513)
    with pytest.raises(AssertionError, match="has 11689512 parameters, torchvision's has 11689513"):
        PEERS["resnet18"].build()


def test_efficientnet_has_no_preprocessing_inside():
    import keras

    model = PEERS["efficientnet_b0"].build()
    assert model.input_shape == (None, 224, 224, 3) and model.output_shape == (None, 1000)
    assert not [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)
    ]


def test_the_pool_free_floor_differs_in_the_pooling_alone():
    from tformer_keras.models import TFormer, TFormerConfig

    small = {"depths": (1, 1), "widths": (20, 20), "input_shape": (32, 32, 3), "classes": 4}
    floor, whole = TFormer(TFormerConfig(kernels=(1,), **small)), TFormer(TFormerConfig(**small))
    assert floor.count_params() == whole.count_params()
    pool = floor.get_layer("stage1_block1_mixer_pool")
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 20)).astype("float32")
    np.testing.assert_array_equal(np.asarray(pool(x)), x)
