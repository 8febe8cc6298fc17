"""Small tf_keras layers for device operations that tf_keras has no layer for; each becomes one LiteRT operation."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras


class ChannelSlice(tf_keras.layers.Layer):
    """Channels `start` to `end` of the last axis."""

    def __init__(self, start: int, end: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start, self.end = start, end

    def call(self, inputs: Any) -> Any:
        # Known sizes are spelt out: XNNPACK does not take a slice whose size is -1, "all that is left".
        sizes = [-1 if size is None else size for size in inputs.shape[:-1]]
        return tf.slice(inputs, [0] * len(sizes) + [self.start], [*sizes, self.end - self.start])


class ChannelSplit(tf_keras.layers.Layer):
    """All parts of the last axis at once, of the given sizes."""

    def __init__(self, sizes: list[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes = sizes

    def call(self, inputs: Any) -> Any:
        return tf.split(inputs, self.sizes, axis=-1)


class ScaleBy(tf_keras.layers.Layer):
    """A product with a constant, of any shape that broadcasts.

    With `quantized`, the constant is what int8 makes of it, one scale for all: training sees the device's.
    """

    def __init__(self, value: Any, quantized: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        array = np.asarray(value, "float32")
        if quantized and array.size > 1:
            array = _as_int8(array)
        self.value = array

    def call(self, inputs: Any) -> Any:
        return inputs * tf.constant(self.value)


def _as_int8(array: np.ndarray) -> np.ndarray:
    low = min(float(array.min()), 0.0)
    high = max(float(array.max()), 0.0, low + 1e-8)
    return tf.quantization.fake_quant_with_min_max_args(array, low, high, num_bits=8).numpy()


class ChannelConstant(tf_keras.layers.Layer):
    """A learned factor (role "scale") or summand (role "offset") a channel, one scale for all of it in int8."""

    def __init__(self, channels: int, role: str, quantized: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels, self.role, self.quantized = channels, role, quantized

    def build(self, input_shape: Any) -> None:
        setattr(self, self.role, self.add_weight(self.role, (self.channels,), initializer="zeros"))
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        constant = getattr(self, self.role)
        if self.quantized:
            low = tf.minimum(tf.reduce_min(tf.stop_gradient(constant)), 0.0)
            # int8 represents zero exactly, so the range holds it, also of a constant that is negative throughout.
            high = tf.maximum(tf.maximum(tf.reduce_max(tf.stop_gradient(constant)), 0.0), low + 1e-8)
            constant = tf.quantization.fake_quant_with_min_max_vars(constant, low, high, num_bits=8)
        return inputs * constant if self.role == "scale" else inputs + constant


class BlockConvolution(tf_keras.layers.Conv2D):
    """A valid convolution of the kernel `(rows, columns, channels, filters)` on blocks of `column_block` pixels.

    Input `(batch, height, width / column_block, column_block · channels)`; the stride along the rows is one block. The
    kernel is filled up to whole blocks with zeros that do not train.
    """

    def __init__(self, filters: int, kernel_size: tuple[int, int], column_block: int, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, padding="valid", **kwargs)
        self.column_block = column_block

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1] // self.column_block
        super().build((*input_shape[:-1], channels))
        self.input_spec = None  # Conv2D's would ask for the kernel's number of channels

    def call(self, inputs: Any) -> Any:
        rows, columns, channels, filters = self.kernel.shape
        blocks = -(-columns // self.column_block)
        kernel = tf.pad(self.kernel, ((0, 0), (0, blocks * self.column_block - columns), (0, 0), (0, 0)))
        kernel = tf.reshape(kernel, (rows, blocks, self.column_block * channels, filters))
        outputs = tf.nn.conv2d(inputs, kernel, self.strides, "VALID")
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, height, width, _ = input_shape
        rows, columns = self.kernel_size
        blocks = -(-columns // self.column_block)
        return tf.TensorShape(
            (batch, (height - rows) // self.strides[0] + 1, width - blocks + 1, self.filters)
        )


class WithConstant(tf_keras.layers.Layer):
    """A function of two arguments, one of which is a constant of any shape that broadcasts against a batch.

    With `quantized`, the constant is what int8 makes of it, one scale for all: training sees the device's.
    """

    def __init__(
        self, function: str, value: Any, first: bool, quantized: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        array = np.asarray(value, "float32")
        self.function, self.first = function, first
        self.value = _as_int8(array) if quantized and array.size > 1 else array

    def call(self, inputs: Any) -> Any:
        constant = tf.constant(self.value)
        arguments = (constant, inputs) if self.first else (inputs, constant)
        return Elementwise.FUNCTIONS[self.function](*arguments)


class LeakyRelu(tf_keras.layers.Layer):
    """x, or slope · x where x is negative."""

    def __init__(self, slope: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slope = slope

    def call(self, inputs: Any) -> Any:
        return tf.nn.leaky_relu(inputs, self.slope)


class Crop(tf_keras.layers.Layer):
    """A part of each image: `sizes` pixels and channels from `starts` on."""

    def __init__(self, starts: tuple[int, ...], sizes: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.starts, self.sizes = starts, sizes

    def call(self, inputs: Any) -> Any:
        batch = -1 if inputs.shape[0] is None else inputs.shape[0]
        return tf.slice(inputs, [0, *self.starts], [batch, *self.sizes])


class Pad(tf_keras.layers.Layer):
    """Zeros before and after each of the three axes behind the batch."""

    def __init__(self, padding: tuple[tuple[int, int], ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        return tf.pad(inputs, ((0, 0), *self.padding))


class Elementwise(tf_keras.layers.Layer):
    """A function of TensorFlow by name, on one tensor or on a list of them."""

    FUNCTIONS = {
        "add": tf.add,
        "subtract": tf.subtract,
        "multiply": tf.multiply,
        "squared_difference": tf.math.squared_difference,
        "maximum": tf.maximum,
        "minimum": tf.minimum,
        "sigmoid": tf.sigmoid,
        "exp": tf.exp,
        "tanh": tf.tanh,
        "gelu": tf.nn.gelu,
        "softmax": tf.nn.softmax,
        "relu": tf.nn.relu,
        "relu6": tf.nn.relu6,
        "identity": tf.identity,
    }

    def __init__(self, function: str, activation: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function, self.activation = function, activation

    def call(self, inputs: Any) -> Any:
        arguments = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        outputs = self.FUNCTIONS[self.function](*arguments)
        return self.FUNCTIONS[self.activation](outputs) if self.activation else outputs


class ReciprocalRoot(tf_keras.layers.Layer):
    """1 / sqrt(inputs)."""

    def call(self, inputs: Any) -> Any:
        return tf.math.rsqrt(inputs)


class Mean(tf_keras.layers.Layer):
    """The mean over axes, kept with size one unless told otherwise."""

    def __init__(self, axes: tuple[int, ...], keepdims: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes, self.keepdims = axes, keepdims

    def call(self, inputs: Any) -> Any:
        return tf.reduce_mean(inputs, self.axes, keepdims=self.keepdims)


class Maximum(tf_keras.layers.Layer):
    """The maximum over the two spatial axes."""

    def __init__(self, keepdims: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Any:
        return tf.reduce_max(inputs, (1, 2), keepdims=self.keepdims)


class Shuffle(tf_keras.layers.Layer):
    """A channel shuffle as it stands: reshape, transpose, reshape."""

    def __init__(self, groups: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, inputs: Any) -> Any:
        _, height, width, channels = inputs.shape
        grouped = tf.reshape(inputs, (-1, height, width, self.groups, channels // self.groups))
        return tf.reshape(tf.transpose(grouped, (0, 1, 2, 4, 3)), (-1, height, width, channels))


class Resize(tf_keras.layers.Layer):
    """Resizing to a fixed size, pixel centres at halves, as Keras does it."""

    def __init__(self, size: tuple[int, int], method: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.method = size, method

    def call(self, inputs: Any) -> Any:
        return tf.image.resize(inputs, self.size, method=self.method)
