"""A Keras 3 model as a function from images to output arrays: compiled once, also where several processes train."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tformer_edge.errors import UserError
from tformer_keras.tasks.task import Run
from tformer_keras.training.distribution import Cluster


def forward(model: keras.Model, jit_compile: bool | str = "auto", cluster: Cluster = Cluster()) -> Run:
    """Images (b, h, w, c), of one b for all calls if it is not to be compiled again → outputs (b, …) as they are then.

    With several processes each computes its own images by itself, whatever the others do.
    """
    if cluster.processes > 1:
        return _local(model)
    shared = keras.Model(model.inputs, model.outputs, name="forward")
    shared.compile(jit_compile=jit_compile)
    return lambda images: [np.asarray(part) for part in keras.tree.flatten(shared.predict_on_batch(images))]


def finite(run: Run, name: str) -> Run:
    """`run`, which raises UserError, calling the model `name`, where an output is NaN or infinite."""

    def checked(images: np.ndarray) -> Sequence[np.ndarray]:
        outputs = run(images)
        if not all(np.isfinite(output).all() for output in outputs):
            raise UserError("finite outputs", "NaN or infinity", "train the model anew", where=name)
        return outputs

    return checked


def _local(model: keras.Model) -> Run:
    """On JAX, on this process' first device, with its own copies of the variables."""
    import jax

    @jax.jit
    def compute(trained: Any, others: Any, images: Any) -> Any:
        return model.stateless_call(trained, others, images, training=False)[0]

    def run(images: np.ndarray) -> list[np.ndarray]:
        device = jax.local_devices()[0]
        variables = [
            [np.asarray(variable.value.addressable_data(0)) for variable in group]
            for group in (model.trainable_variables, model.non_trainable_variables)
        ]
        with jax.default_device(device):
            outputs = compute(*variables, images)
        return [np.asarray(part) for part in keras.tree.flatten(outputs)]

    return run
