"""A grouped 1×1 convolution as dense matrix products, one a group."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tformer_keras.layers.checks import check_divisible, check_positive, check_rank
from tformer_keras.layers.notes import BEFORE_SHUFFLE, BLOCKS, note, noted


@keras.saving.register_keras_serializable("tformer_keras")
class GroupedPointwise(keras.layers.Layer):
    """A 1×1 convolution whose input and output channels fall into `groups` independent groups (paper, figure 4).

    Equal to `Conv2D(filters, 1, groups=groups)` and of the same parameter count, but never calls the framework's
    grouped convolution, which on a CPU costs 2.9 times a training step (docs/architecture.md). With one group it is
    a plain pointwise convolution.

    Args:
        filters: output channels, divisible by `groups`.
        groups: number of groups, at least 1.
        use_bias: whether to add a bias of shape `(filters,)`.
        kernel_initializer: any Keras initializer; it is called once a group with the group's own shape
            `(input channels / groups, filters / groups)`, so that fan-in and fan-out are those of one group.
            "not stated by the paper"; truncated normal of 0.02, PoolFormer's, is our choice.
        bias_initializer: any Keras initializer.
        kernel_regularizer, bias_regularizer: any Keras regularizer.

    Input: `(batch, height, width, channels)`. Output: `(batch, height, width, filters)`, in the compute dtype.
    Weights: `kernel` `(groups, channels / groups, filters / groups)`, `bias` `(filters,)`.

    Raises:
        ValueError: for counts below 1, an input that is not of rank 4, or channels or filters that do not divide.
    """

    def __init__(
        self,
        filters: int,
        groups: int = 1,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_positive("filters", filters)
        self.groups = check_positive("groups", groups)
        check_divisible(self, "filters", self.filters, self.groups)
        self.use_bias = bool(use_bias)
        if kernel_initializer is None:
            kernel_initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_rank(self, input_shape)
        channels: int = input_shape[-1]  # type: ignore[assignment]
        check_divisible(self, "input channels", channels, self.groups)
        group_shape = (channels // self.groups, self.filters // self.groups)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.groups, *group_shape),
            initializer=self._initialize_groups,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )

    def _initialize_groups(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        # Keras' initializers give the same numbers at each call, also when nobody seeded them (they draw a seed when
        # they are made): groups must not start as copies of each other.
        seed = getattr(self.kernel_initializer, "seed", None)
        groups = []
        for group in range(shape[0]):
            initializer = self.kernel_initializer
            if isinstance(seed, int):
                config = {**initializer.get_config(), "seed": seed + group}
                initializer = type(initializer).from_config(config)
            groups.append(initializer(shape[1:], dtype=dtype))
        return ops.stack(groups)

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs)
        size = self.kernel.shape[1]
        narrow = self.groups == 1 or min(self.kernel.shape[1:]) < VECTOR
        source, shuffled = noted(inputs, BEFORE_SHUFFLE) or (None, None)
        # Behind a shuffle each group reads `size // groups` channels of every group from before it.
        sources = (
            self.groups if self.groups > 1 and shuffled == self.groups and size % self.groups == 0 else 1
        )
        blocks = noted(source, BLOCKS) if sources > 1 and not narrow else None
        if sources > 1:
            inputs = source
        # Two-dimensional products: TensorFlow's batched matmul with a broadcast kernel is slower backwards.
        flat = ops.reshape(inputs, (-1, self.groups * size))
        # Rows by (group, source, channel): ShuffleNet's order is (group, channel, source).
        kernel = ops.reshape(self.kernel, (self.groups, size // sources, sources, -1))
        kernel = ops.transpose(kernel, (0, 2, 1, 3))
        bias = ops.cast(self.bias, flat.dtype) if self.use_bias else None
        if narrow:
            return ops.reshape(_add(ops.matmul(flat, self._dense(kernel)), bias), (*shape[:3], self.filters))
        biases = [None] * self.groups if bias is None else ops.split(bias, self.groups)
        if blocks is not None:
            rows = ops.split(ops.reshape(kernel, (self.groups * size, -1)), self.groups * sources)
            products = self._of_blocks(blocks(self.groups), rows, biases)
        else:
            parts = ops.split(flat, self.groups, axis=-1) if sources == 1 else self._regroup(flat, sources)
            kernels = ops.split(ops.reshape(kernel, (self.groups * size, -1)), self.groups)
            # The bias is added a group, because TensorFlow fuses a product and its bias.
            products = [_add(ops.matmul(x, k), b) for x, k, b in zip(parts, kernels, biases, strict=True)]
        outputs = ops.reshape(ops.concatenate(products, axis=-1), (*shape[:3], self.filters))
        if blocks is None and sources == 1:
            note(outputs, BLOCKS, lambda divisions: _in_divisions(parts, kernels, biases, divisions))
        return outputs

    def _of_blocks(self, blocks: list[list[Any]], rows: list[Any], biases: list[Any]) -> list[Any]:
        """Each group's product, of the blocks that the groups before a shuffle have for it.

        The widest tensor of a network is then neither joined nor shuffled nor cut, each a pass over memory.
        """
        products = []
        for group, bias in enumerate(biases):
            terms = [
                ops.matmul(blocks[source][group], rows[group * self.groups + source])
                for source in range(self.groups)
            ]
            products.append(_add(sum(terms[1:], terms[0]), bias))
        return products

    def _dense(self, kernel: Any) -> Any:
        """The kernel `(groups, sources, size, outputs)` as one matrix for all channels, zero outside the groups."""
        if self.groups > 1:
            inside = ops.reshape(
                ops.eye(self.groups, dtype=kernel.dtype), (1, self.groups, 1, self.groups, 1)
            )
            kernel = ops.expand_dims(ops.transpose(kernel, (1, 0, 2, 3)), 3) * inside
        return ops.reshape(kernel, (-1, self.filters))

    def _regroup(self, flat: Any, sources: int) -> list[Any]:
        """What each group reads, from channels that lie by (source, group, channel)."""
        blocks = ops.reshape(flat, (-1, sources, self.groups, flat.shape[-1] // (sources * self.groups)))
        blocks = ops.reshape(
            ops.transpose(blocks, (2, 0, 1, 3)), (self.groups, -1, flat.shape[-1] // self.groups)
        )
        return [ops.squeeze(part, 0) for part in ops.split(blocks, self.groups)]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:3], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "groups": self.groups,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }


# float32 numbers of an AVX-512 register. Groups that are narrower leave it partly empty: one product of all channels,
# with zeros in the kernel, takes less time than two narrow ones, a split and a concatenation.
VECTOR = 16


def _in_divisions(parts: list[Any], kernels: list[Any], biases: list[Any], divisions: int) -> list[list[Any]]:
    """The product of each part by its kernel, in `divisions` equal parts of its channels."""
    table = []
    for part, kernel, bias in zip(parts, kernels, biases, strict=True):
        columns = ops.split(kernel, divisions, axis=-1)
        offsets = [None] * divisions if bias is None else ops.split(bias, divisions)
        table.append([_add(ops.matmul(part, k), b) for k, b in zip(columns, offsets, strict=True)])
    return table


def _add(outputs: Any, bias: Any) -> Any:
    return outputs if bias is None else ops.add(outputs, bias)
