"""The models that TFormer is measured against, and the cache of their files."""

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers import PEERS, calibration_images, model_file, randomise
from tformer_edge.errors import UserError


def test_resnet18_is_torchvisions():
    from tformer_keras.models.counting import count

    assert count(PEERS["resnet18"].build()).parameters == peers.RESNET18_PARAMETERS == 11_689_512


def test_a_resnet18_of_another_size_is_refused(monkeypatch):
    monkeypatch.setattr(peers, "RESNET18_PARAMETERS", 11_689_513)
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


def test_fresh_models_get_statistics_that_are_not_their_initial_values():
    from tformer_keras.models import build

    def make(seed):
        model = build("tformer_micro", input_shape=(32, 32, 3), classes=4)
        randomise(model, seed)
        return {variable.path: np.asarray(variable) for variable in model.variables}

    one, same, other = make(0), make(0), make(1)
    norm = one["stage1_block1_mixer_norm/gamma"]
    assert norm.min() >= 0.5 and norm.max() <= 1.5 and norm.std() > 0.1  # never negative: it must fold
    assert one["stage1_block1_mixer_norm/moving_mean"].std() > 0.05
    assert one["stage1_block1_ffn_scale/scale"].min() >= 0.5
    np.testing.assert_array_equal(norm, same["stage1_block1_mixer_norm/gamma"])
    assert not np.array_equal(norm, other["stage1_block1_mixer_norm/gamma"])


def test_calibration_images_are_normalised_noise():
    images = list(calibration_images((8, 8, 3)))
    assert len(images) == peers.CALIBRATION_IMAGES and images[0].shape == (1, 8, 8, 3)
    assert images[0].dtype == np.float32 and not np.array_equal(images[0], images[1])


class Maker:
    """Stands in for a conversion, and counts how often it is asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, name, kind, path):
        self.calls.append((name, kind))
        path.write_bytes(f"{name} {kind} {len(self.calls)}".encode())


def test_a_file_is_converted_once(tmp_path):
    make = Maker()
    first = model_file("resnet18", "int8", tmp_path, lambda *_: "a", make)
    again = model_file("resnet18", "int8", tmp_path, lambda *_: "a", make)
    other = model_file("resnet18", "float", tmp_path, lambda *_: "a", make)
    assert first == again != other and make.calls == [("resnet18", "int8"), ("resnet18", "float")]


def test_a_change_of_what_made_a_file_makes_a_new_one_in_its_place(tmp_path):
    make = Maker()
    old = model_file("resnet18", "int8", tmp_path, lambda *_: "a", make)
    neighbour = model_file("resnet18", "float", tmp_path, lambda *_: "a", make)
    new = model_file("resnet18", "int8", tmp_path, lambda *_: "b", make)
    assert sorted(tmp_path.iterdir()) == sorted([neighbour, new]) and not old.exists()
    assert new.read_bytes() == b"resnet18 int8 3"


def test_a_conversion_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    old = model_file("resnet18", "int8", tmp_path, lambda *_: "a", Maker())

    def fail(name, kind, path):
        raise UserError("a", "b", "c")

    with pytest.raises(UserError):
        model_file("resnet18", "int8", tmp_path, lambda *_: "b", fail)
    assert list(tmp_path.iterdir()) == [old]


def test_the_key_follows_sources_versions_name_and_kind(monkeypatch, tmp_path):
    (tmp_path / "tformer_keras" / "models").mkdir(parents=True)
    source = tmp_path / "tformer_keras" / "models" / "resnet.py"
    source.write_text("a")
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    keys = [peers.cache_key("resnet18", "int8"), peers.cache_key("resnet18", "float")]
    keys.append(peers.cache_key("resnet50", "int8"))
    source.write_text("b")
    keys.append(peers.cache_key("resnet18", "int8"))
    monkeypatch.setattr(peers, "versions", lambda: {"tensorflow": "9"})
    keys.append(peers.cache_key("resnet18", "int8"))
    assert len(set(keys)) == 5 and keys[-1] == peers.cache_key("resnet18", "int8")


def test_deploy_is_part_of_the_key_of_what_it_converts(monkeypatch, tmp_path):
    (tmp_path / "tformer_keras" / "deploy").mkdir(parents=True)
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    before = [peers.cache_key(name, "int8") for name in ("tformer_s", "mobilenet_v3_large")]
    (tmp_path / "tformer_keras" / "deploy" / "lower.py").write_text("new")
    after = [peers.cache_key(name, "int8") for name in ("tformer_s", "mobilenet_v3_large")]
    assert before[0] != after[0] and before[1] == after[1]


@pytest.mark.parametrize("name,kind", [("resnet19", "int8"), ("resnet18", "int4")])
def test_unknown_models_are_refused(name, kind, tmp_path):
    with pytest.raises(UserError, match=f"received '{name}' and '{kind}'"):
        model_file(name, kind, tmp_path)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="which is none"):
        peers.chosen_files([], ["int8"], [str(tmp_path / "absent.tflite")])


def test_files_alone_need_no_conversion(tmp_path):
    file = tmp_path / "a.tflite"
    file.write_bytes(b"x")
    assert peers.chosen_files([], ["int8"], [str(file)]) == {(str(file), "file"): file}
