"""Golden vectors: inputs and what LiteRT's reference kernels make of them, for every device to check itself by."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from tformer_edge.archive import MAX_ENTRY_BYTES
from tformer_edge.contract import Golden
from tformer_edge.golden_check import golden_bytes
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks import find_task
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.data.pixels import synthetic_pixels
from tformer_keras.deploy.tflite.interpreter import LiteRT

NAMES = ("noise", "smooth colours")
# Of inputs above this there is one vector, the last: a file is sent to thousands of devices.
LARGE_BYTES = 100_000


def golden_vectors(
    reference: LiteRT, xnnpack: LiteRT, preprocessing: Preprocessing, task: str, means: OutputsMean
) -> tuple[Golden, ...]:
    """One vector a name of `NAMES`, from generated images, so that the same flatbuffer gives the same vectors; of large
    inputs the last alone.

    None where one would be larger than a contract may hold: a batch of many large images.

    Args:
        reference, xnnpack: a flatbuffer with one input of images in both kernels.
        preprocessing: makes the input of the pixels.
        task, means: read the outputs, for the golden answer.
    """
    vectors = []
    size = math.prod(reference.input.shape) * np.dtype(reference.input.type).itemsize
    if size > MAX_ENTRY_BYTES:
        return ()
    for number, name in enumerate(NAMES):
        if size > LARGE_BYTES and name != NAMES[-1]:
            continue
        images = synthetic_pixels(
            len(NAMES) * reference.batch, preprocessing.input_size, preprocessing.channels
        )
        given = reference.input_of(images[number :: len(NAMES)], preprocessing)
        expected, received = reference.run(given), xnnpack.run(given)
        difference = max(
            float(np.abs(one.astype(np.float64) - other).max())
            for one, other in zip(expected, received, strict=True)
        )
        answer = None
        if means.outputs:  # of others than classifiers nothing is known without
            answer = find_task(task).golden_answer(
                expected, reference.outputs, means, preprocessing.input_size
            )
        integers = all(np.issubdtype(one.dtype, np.integer) for one in expected)
        vectors.append(
            Golden(
                name,
                golden_bytes([given]),
                golden_bytes(expected),
                int(difference) if integers else difference,
                None if answer is None else hashlib.sha256(answer).hexdigest(),
            )
        )
    return tuple(vectors)
