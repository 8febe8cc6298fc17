"""The layers and parts of the paper's baselines against plain NumPy, written from their papers' formulas."""

import keras
import numpy as np
import pytest

from benchmarks.peers import pvt, resmlp, swin_mixer
from benchmarks.peers.affine import Affine
from benchmarks.peers.attention import DotProductAttention, attention
from benchmarks.peers.class_token import ClassToken
from benchmarks.peers.position_embedding import PositionEmbedding
from benchmarks.peers.pvt import PVT

RANDOM = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype("float32")


def softmax(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def attended(query: np.ndarray, key: np.ndarray, value: np.ndarray, heads: int) -> np.ndarray:
    """One head after the other."""
    width = query.shape[-1] // heads
    parts = []
    for head in range(heads):
        at = slice(head * width, (head + 1) * width)
        weights = softmax(query[..., at] @ key[..., at].swapaxes(1, 2) / np.sqrt(width))
        parts.append(weights @ value[..., at])
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("heads", [1, 3])
def test_attention_is_softmax_of_scaled_products(heads):
    query, key, value = noise(2, 5, 6), noise(2, 4, 6), noise(2, 4, 6)
    found = DotProductAttention(heads)(query, key, value)
    np.testing.assert_allclose(np.asarray(found), attended(query, key, value, heads), atol=1e-5)


def test_attention_needs_heads_that_divide_its_channels():
    with pytest.raises(ValueError, match="`heads` expected a divisor of 6 channels, received 4"):
        DotProductAttention(4)(noise(1, 2, 6), noise(1, 2, 6), noise(1, 2, 6))


def test_projections_stand_before_and_behind_attention():
    x, source = keras.Input((5, 6)), keras.Input((4, 6))
    model = keras.Model([x, source], attention(x, source, 2, "a"))
    for variable in model.variables:
        variable.assign(noise(*variable.shape))
    tokens, others = noise(2, 5, 6), noise(2, 4, 6)

    def dense(name, values):
        kernel, bias = (np.asarray(weight) for weight in model.get_layer(name).weights)
        return values @ kernel + bias

    mixed = attended(dense("a_query", tokens), dense("a_key", others), dense("a_value", others), 2)
    np.testing.assert_allclose(np.asarray(model([tokens, others])), dense("a_project", mixed), atol=1e-3)


def test_the_class_token_stands_before_all_others():
    layer, x = ClassToken(), noise(3, 4, 5)
    found = np.asarray(layer(x))
    np.testing.assert_array_equal(found[:, 1:], x)
    np.testing.assert_array_equal(found[:, :1], np.broadcast_to(np.asarray(layer.token), (3, 1, 5)))


def test_positions_are_added():
    layer, x = PositionEmbedding((2, 3), leading=1), noise(2, 7, 4)
    found = np.asarray(layer(x))
    np.testing.assert_allclose(found - x, np.broadcast_to(np.asarray(layer.embedding), x.shape), atol=1e-6)


def test_positions_of_another_size_lie_between_the_learned_ones():
    layer, x = PositionEmbedding((2, 2), (2, 4), leading=1), noise(1, 9, 3)
    added = (np.asarray(layer(x)) - x)[0]
    (first, *learned) = np.asarray(layer.embedding)[0]
    np.testing.assert_allclose(added[0], first, atol=1e-6)
    # Half-pixel centres: at ¼ and ¾ between two, and no further than the last outside them.
    for row in range(2):
        left, right = learned[2 * row : 2 * row + 2]
        expected = [left, 0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right, right]
        np.testing.assert_allclose(added[1 + 4 * row : 5 + 4 * row], expected, atol=1e-6)


def test_affine_scales_and_shifts_channels():
    layer, x = Affine(), noise(2, 3, 4)
    layer.build(x.shape)
    alpha, beta = noise(4), noise(4)
    layer.set_weights([alpha, beta])
    np.testing.assert_allclose(np.asarray(layer(x)), x * alpha + beta, atol=1e-6)


def test_layers_come_back_from_their_configuration():
    for layer in (DotProductAttention(3), PositionEmbedding((2, 3), (4, 6), 1), ClassToken(), Affine()):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def of_random_weights(make, *shape: int) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """A model of what `make` does to an input, that input, and what comes of it."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, make(inputs))
    for variable in model.variables:
        variable.assign(noise(*variable.shape))
    x = noise(1, *shape)
    return model, x, np.asarray(model(x))


def windows_mixed(x, kernel, bias, head, window, shift):
    """The Swin-Mixer's spatial MLP, window by window of a grid that begins beyond the map where it is shifted."""
    _, height, width, channels = x.shape
    mixed = np.zeros_like(x)
    start = shift - window if shift else 0
    for top in range(start, height, window):
        for left in range(start, width, window):
            inside = [
                (row, column, window * (row - top) + column - left)
                for row in range(max(top, 0), min(top + window, height))
                for column in range(max(left, 0), min(left + window, width))
            ]
            rows, columns, places = (list(axis) for axis in zip(*inside, strict=True))
            for channel in range(channels):
                own = kernel[channel // head][np.ix_(places, places)]
                values = x[0, rows, columns, channel] @ own + bias[places, channel // head]
                mixed[0, rows, columns, channel] = values
    return mixed


@pytest.mark.parametrize("shift", [0, 4])
def test_swin_mixer_mixes_within_shifted_windows(shift):
    model, x, found = of_random_weights(lambda x: swin_mixer._mixer(x, 3, shift, "a"), 16, 24, 6)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("a_dense").weights)
    expected = windows_mixed(x, kernel, bias.reshape(64, 2), 3, 8, shift)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_swin_mixer_does_not_shift_a_map_of_one_window():
    model, x, found = of_random_weights(lambda x: swin_mixer._mixer(x, 3, 4, "a"), 8, 8, 6)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("a_dense").weights)
    np.testing.assert_allclose(found, windows_mixed(x, kernel, bias.reshape(64, 2), 3, 8, 0), atol=1e-3)


def test_swin_mixer_merges_four_neighbours():
    model, x, found = of_random_weights(lambda x: swin_mixer._merged(x, "a"), 4, 6, 2)
    whole = np.concatenate([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], axis=-1)
    gamma, beta = (np.asarray(weight) for weight in model.get_layer("a_norm").weights)
    (kernel,) = (np.asarray(weight) for weight in model.get_layer("a_dense").weights)
    mean, variance = whole.mean(-1, keepdims=True), whole.var(-1, keepdims=True)
    normed = (whole - mean) / np.sqrt(variance + swin_mixer.EPSILON) * gamma + beta
    np.testing.assert_allclose(found, normed @ kernel, atol=1e-3)


def test_pvt_attends_to_a_smaller_map():
    model, x, found = of_random_weights(lambda x: pvt._reduced(x, (4, 6), 2, "a"), 24, 5)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("a_reduce").weights)
    gamma, beta = (np.asarray(weight) for weight in model.get_layer("a_reduce_norm").weights)
    patches = x.reshape(2, 2, 3, 2, 5).transpose(0, 2, 1, 3, 4).reshape(6, 20)
    expected = patches @ kernel.reshape(20, 5) + bias
    mean, variance = expected.mean(-1, keepdims=True), expected.var(-1, keepdims=True)
    expected = (expected - mean) / np.sqrt(variance + 1e-6) * gamma + beta
    np.testing.assert_allclose(found[0], expected, atol=1e-3)


def test_pvt_attends_to_the_whole_map_in_its_last_stage():
    x = keras.Input((4, 5))
    assert pvt._reduced(x, (2, 2), 1, "a") is x


def test_pvt_gives_four_maps():
    with keras.StatelessScope(initialize_variables=False):
        maps = PVT("pvt_tiny", (64, 96, 3), features_only=True).outputs
    assert [tuple(x.shape) for x in maps] == [
        (None, 16, 24, 64),
        (None, 8, 12, 128),
        (None, 4, 6, 320),
        (None, 2, 3, 512),
    ]


def test_resmlp_mixes_patches_alike_in_every_channel():
    model, x, found = of_random_weights(lambda x: resmlp._across_patches(x, "a"), 6, 5)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("a_dense").weights)
    np.testing.assert_allclose(found, np.einsum("bpc,pq->bqc", x, kernel) + bias[:, None], atol=1e-4)
