"""A saved model reloads in a fresh process, which imports the package and nothing else, on either backend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tformer_keras.models import TFormer, TFormerConfig

ROOT = Path(__file__).resolve().parents[2]
BASE = {
    "depths": (1, 1),
    "widths": (24, 40),
    "input_shape": (22, 17, 3),
    "stem_kernel": 3,
    "stem_stride": 1,
    "classes": 6,
}
# Together they have every layer class and every field at a value that is not TFormerConfig's. Scaled widths agree,
# because JAX compiles an initializer for each new shape.
MODELS = {
    "classifier": {
        "width": 0.5,
        "widths": (48, 80),
        "stem_widths": (48,),
        "stem_stride": (2, 1),
        "patch_stride": 3,
        "patch_padding": "symmetric",
        "channel_split": "kernel",
        "operators": ("max", "average"),
        "kernels": (7, 3),
        "expansion": 3,
        "groups": 4,
        "norm_momentum": 0.8,
        "activation": "hard_swish",
        "layer_scale": 0.25,
        "stochastic_depth": 0.4,
        "pooling_implementation": "separate",
        "classifier_activation": "softmax",
    },
    "ghost": {
        "ffn": "ghost",
        "ghost_ratio": 4,
        "norm": "group",
        "patch_kernel": 5,
        "include_top": False,
        "pooling": "max",
    },
    "features": {
        "token_mixer": "pooling",
        "ffn": "standard",
        "norm": "layer",
        "layer_scale": None,
        "input_shape": (None, None, 3),
        "features_only": True,
    },
}
CHILD = """
import json, sys
from pathlib import Path
import numpy as np
import keras
import tformer_keras
folder, answers = Path(sys.argv[1]), Path(sys.argv[2])
x, outputs, configurations = np.load(folder / "x.npy"), {}, {}
for path in sorted(folder.glob("*.keras")):
    model = keras.saving.load_model(path)
    result = model.predict(x, verbose=0)
    for index, output in enumerate(result if isinstance(result, list) else [result]):
        outputs[f"{path.stem} {index}"] = output
    configurations[path.stem] = model.get_config()
np.savez(answers, **outputs)
print(json.dumps({"backend": keras.backend.backend(), "configurations": configurations}))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory, randomise) -> tuple[Path, dict[str, np.ndarray], dict[str, dict]]:
    """A folder of saved models with random weights, what they put out, and their configurations."""
    folder = tmp_path_factory.mktemp("saved")
    x = np.random.default_rng(0).normal(size=(2, 22, 17, 3)).astype("float32")
    np.save(folder / "x.npy", x)
    outputs, configurations = {}, {}
    for seed, (name, changes) in enumerate(MODELS.items()):
        model = randomise(TFormer(TFormerConfig(**{**BASE, **changes})), seed)
        model.save(folder / f"{name}.keras")
        result = model.predict(x, verbose=0)
        for index, output in enumerate(result if isinstance(result, list) else [result]):
            outputs[f"{name} {index}"] = output
        configurations[name] = json.loads(json.dumps(model.get_config()))
    return folder, outputs, configurations


def reload_elsewhere(
    folder: Path, backend: str, working_directory: Path
) -> tuple[dict[str, np.ndarray], dict]:
    answers = working_directory / f"{backend}.npz"
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": str(ROOT),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(answers)],
        env=environment, cwd=working_directory, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["backend"] == backend
    with np.load(answers) as file:
        return dict(file), report["configurations"]


def test_every_field_is_saved_at_a_value_that_is_not_the_default():
    default = TFormerConfig()
    configs = [TFormerConfig(**{**BASE, **changes}) for changes in MODELS.values()]
    for field in vars(default):
        assert any(getattr(config, field) != getattr(default, field) for config in configs), field


def test_a_fresh_process_with_the_same_backend(saved, tmp_path):
    folder, expected, configurations = saved
    outputs, again = reload_elsewhere(folder, keras.backend.backend(), tmp_path)
    assert again == configurations
    assert outputs.keys() == expected.keys() and len(outputs) == len(MODELS) + 1
    for name in expected:
        assert expected[name].std() > 1e-3
        np.testing.assert_allclose(outputs[name], expected[name], rtol=1e-6, atol=1e-6, err_msg=name)


def test_a_fresh_process_with_the_other_backend(saved, tmp_path):
    folder, expected, configurations = saved
    other = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    outputs, again = reload_elsewhere(folder, other, tmp_path)
    assert again == configurations
    for name in expected:
        scale = max(1.0, float(np.abs(expected[name]).max()))
        np.testing.assert_allclose(
            outputs[name] / scale, expected[name] / scale, rtol=0, atol=1e-5, err_msg=name
        )


def test_a_compiled_model_reloads_and_trains_on(tmp_path):
    model = TFormer(TFormerConfig(**{**BASE, "stochastic_depth": 0.0, "layer_scale": 0.5}))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    eagerly = (
        keras.backend.backend() == "tensorflow"
    )  # to trace is what takes it long; JAX compiles each step anyway
    model.compile(keras.optimizers.AdamW(1e-3), loss, run_eagerly=eagerly)
    x, y = np.random.default_rng(0).normal(size=(2, 22, 17, 3)).astype("float32"), np.array([1, 4])
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.run_eagerly = eagerly
    assert int(again.optimizer.iterations) == 1
    losses = [float(m.train_on_batch(x, y)) for m in (model, again)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
