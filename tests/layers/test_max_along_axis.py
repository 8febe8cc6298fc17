"""Max pooling along one axis against plain loops: values, and where the gradient goes, ties included."""

import numpy as np
import pytest
from keras import ops

from tformer_keras.layers.max_along_axis import max_along_axis


def by_loops(x: np.ndarray, upstream: np.ndarray, kernel: int, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(outputs, gradient): the first of a window's largest has its gradient."""
    x, upstream = np.moveaxis(x, axis, 0), np.moveaxis(upstream, axis, 0)
    outputs, gradient = np.empty_like(x), np.zeros_like(x)
    for place in range(len(x)):
        first = max(place - kernel // 2, 0)
        window = x[first : place + kernel // 2 + 1]
        outputs[place] = window.max(0)
        for index, offset in np.ndenumerate(window.argmax(0)):
            gradient[(first + offset, *index)] += upstream[(place, *index)]
    return np.moveaxis(outputs, 0, axis), np.moveaxis(gradient, 0, axis)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 7, 21])  # the last reaches over the map from everywhere
@pytest.mark.parametrize("levels", [1000, 3, 1], ids=["distinct", "ties", "all equal"])
def test_values_and_gradient_are_the_loops(gradient, axis, kernel, levels):
    random = np.random.default_rng(kernel)
    # Below zero, so that a zero in the padding would win.
    x = (random.integers(0, levels, (2, 6, 5, 3)) / 8 - 200).astype("float32")
    upstream = random.normal(size=x.shape).astype("float32")
    outputs, expected = by_loops(x, upstream, kernel, axis)
    np.testing.assert_array_equal(ops.convert_to_numpy(max_along_axis(x, kernel, axis)), outputs)
    actual = gradient(lambda v: ops.sum(max_along_axis(v, kernel, axis) * upstream), x)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [1, 2])
def test_the_gradient_behind_a_norm_that_is_computed_again(gradient, axis):
    """What a compiler computes anew for the way back may differ in its last bit from what was pooled."""
    random = np.random.default_rng(axis)
    x, upstream = (random.normal(size=(4, 16, 15, 24)).astype("float32") for _ in range(2))
    scale, offset = (random.normal(size=24).astype("float32") for _ in range(2))

    def pooled(value):
        mean = ops.mean(value, axis=(0, 1, 2))
        return max_along_axis((value - ops.stop_gradient(mean)) * scale + offset, 5, axis)

    normed = (x - x.mean((0, 1, 2))) * scale + offset
    expected = by_loops(normed, upstream, 5, axis)[1] * scale
    actual = gradient(lambda v: ops.sum(pooled(v) * upstream), x)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 4), (4, 1), (1, 1)])
def test_a_side_of_one_pixel_is_left_alone(size):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    pooled = max_along_axis(max_along_axis(x, 7, 1), 7, 2)
    expected = np.broadcast_to(x.max((1, 2), keepdims=True), x.shape)
    np.testing.assert_array_equal(ops.convert_to_numpy(pooled), expected)


def test_half_precision(gradient):
    x = ops.cast(np.random.default_rng(0).permutation(40).reshape(1, 8, 5, 1), "bfloat16")
    pooled = max_along_axis(x, 3, 1)
    assert pooled.dtype == x.dtype
    expected = by_loops(ops.convert_to_numpy(ops.cast(x, "float32")), np.ones((1, 8, 5, 1)), 3, 1)[0]
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(pooled, "float32")), expected)
