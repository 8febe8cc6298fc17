"""The cascade of max pools against a pool for each share, in the forms that it has for wide and for narrow shares."""

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.layers.max_cascade import VECTOR, max_by_cascade

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the cascade is TensorFlow's form"
)


@pytest.mark.parametrize("size", [(9, 10), (4, 4), (2, 3)])  # on the small ones the cascade ends early
@pytest.mark.parametrize("shares", [[3, 3, 2, 2], [VECTOR, 16, 15, 15]], ids=["narrow", "wide"])
@pytest.mark.parametrize("kernels", [(1, 3, 7, 9), (3, 5, 7, 11)])
def test_equals_separate_pools(gradient, size, shares, kernels):
    random = np.random.default_rng(3)
    channels = sum(shares)
    x = random.permutation(3 * size[0] * size[1] * channels).reshape(3, *size, channels).astype("float32")
    x -= x.max() + 1  # below zero, where a zero in the padding would win
    weight = random.normal(size=x.shape).astype("float32")
    ends = np.cumsum(shares)[:-1]

    def separate(value):
        parts = ops.split(value, [int(end) for end in ends], axis=-1)
        pooled = [
            ops.max_pool(part, kernel, strides=1, padding="same") if kernel > 1 else part
            for part, kernel in zip(parts, kernels, strict=True)
        ]
        return ops.concatenate(pooled, axis=-1)

    def cascade(value):
        return ops.concatenate(max_by_cascade(value, kernels, shares), axis=-1)

    x = ops.convert_to_tensor(x)
    np.testing.assert_array_equal(ops.convert_to_numpy(cascade(x)), ops.convert_to_numpy(separate(x)))
    gradients = [gradient(lambda v, f=f: ops.sum(f(v) * weight), x) for f in (cascade, separate)]
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-5)
