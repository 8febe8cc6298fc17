"""What quantization-aware training computes: fake quantization of weights (tfmot's wrapper) and of logical tensors."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from tformer_keras.deploy.graph.nodes import Graph, Node, plain_name

# Operations whose int8 output has the scale and zero point of its input (TFLite quantization specification).
SAME_RANGE = (
    "slice",
    "max_pool",
    "average_pool",
    "global_max",
    "concatenate",
    "reshape",
    "shuffle",
    "pad",
    "resize",
    "crop",
    "transpose",
    "maximum",
    "minimum",
)
# Operations whose int8 output range the specification fixes: scale 1/256 from -128, and 1/128 around 0.
FIXED_RANGES = {"sigmoid": (0.0, 255 / 256), "softmax": (0.0, 255 / 256), "tanh": (-1.0, 127 / 128)}
# Of a logical tensor nothing is known until it is calibrated.
UNKNOWN = (0.0, 0.0)


class PerChannelWeightQuantizer(tfmot.quantization.keras.quantizers.Quantizer):
    """Symmetric int8 a channel, -127 to 127, the largest weight of each channel at its end (TFLite quantization spec).

    The range is that of the current weights, so there is no state. Output channels are the last axis, except in
    depthwise kernels (height, width, channels, multiplier), where they are the last two, and in those of transposed
    convolutions (height, width, out, in).
    """

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        # tfmot gives the wrapper here.
        transposed = isinstance(getattr(layer, "layer", layer), tf_keras.layers.Conv2DTranspose)
        return {"depthwise": "depthwise" in name, "transposed": transposed}

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **kwargs: Any) -> Any:
        if weights["transposed"]:
            turned = tf.transpose(inputs, (0, 1, 3, 2))
            return tf.transpose(
                self(turned, training, {"depthwise": False, "transposed": False}), (0, 1, 3, 2)
            )
        flat = tf.reshape(inputs, (-1, inputs.shape[2] * inputs.shape[3])) if weights["depthwise"] else inputs
        largest = tf.reduce_max(tf.abs(tf.stop_gradient(flat)), axis=list(range(len(flat.shape) - 1)))
        # A channel of zeros would have a scale of zero.
        largest = tf.maximum(largest, 1e-8)
        outputs = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            flat, -largest, largest, num_bits=8, narrow_range=True
        )
        return tf.reshape(outputs, inputs.shape)

    def get_config(self) -> dict[str, Any]:
        return {}


class WeightsConfig(tfmot.quantization.keras.QuantizeConfig):
    """Quantizes a layer's kernel; its output is quantized as a logical tensor."""

    def _attribute(self, layer: Any) -> str:
        return "depthwise_kernel" if isinstance(layer, tf_keras.layers.DepthwiseConv2D) else "kernel"

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return [(getattr(layer, self._attribute(layer)), PerChannelWeightQuantizer())]

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        setattr(layer, self._attribute(layer), quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return []

    def get_config(self) -> dict[str, Any]:
        return {}


class QuantizedWeights(tfmot.quantization.keras.QuantizeWrapperV2):
    """tfmot's wrapper, whose weights do not train when it is told so (tfmot's own trains them all the same)."""

    @property
    def trainable_weights(self) -> list[Any]:
        return super().trainable_weights if self.trainable else []

    @property
    def kernels(self) -> list[tuple[Any, dict[str, bool]]]:
        """Each variable that is quantized, with what `PerChannelWeightQuantizer.build` made of it."""
        return [(variable, layout) for variable, _, layout in self._weight_vars]


class FakeQuantize(tf_keras.layers.Layer):
    """Asymmetric int8 of the parts of one logical tensor, with one range.

    While training, the range is a moving average of each batch's smallest and largest value over all parts, unless
    ranges are frozen. Tensors that int8 gives one scale (the inputs of a concatenation, say) form a group: each has
    its own range, and all are quantized with the range that holds them all.

    Attributes:
        pinned: the range is known and never follows what passes; set before training is traced.
    """

    def __init__(self, tensor: str, decay: Any, frozen: Any, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.tensor = tensor
        self.pinned = False
        self._settings = (decay, frozen)
        self.low = self.add_weight("low", (), initializer="zeros", trainable=False)
        self.high = self.add_weight("high", (), initializer="zeros", trainable=False)
        self._group: tuple[Any, ...] = ()

    def join(self, group: list[FakeQuantize]) -> None:
        """Makes the layers of `group` quantize with one range."""
        # As variables in a closure: as attributes, the layers of a group would own each other's weights.
        lows, highs = [layer.low for layer in group], [layer.high for layer in group]
        self._range = lambda: (tf.reduce_min(tf.stack(lows)), tf.reduce_max(tf.stack(highs)))

    def call(self, inputs: list[Any], training: Any = None) -> list[Any]:
        if training is None:
            training = tf_keras.backend.learning_phase()
        if not self.pinned and (not isinstance(training, int) or training):
            self._observe(inputs, training)
        low, high = self._range()
        return [
            tf.quantization.fake_quant_with_min_max_vars(tensor, low, high, num_bits=8) for tensor in inputs
        ]

    def _observe(self, inputs: list[Any], training: Any) -> None:
        decay, frozen = self._settings
        rate = tf.where(tf.logical_and(tf.cast(training, tf.bool), tf.logical_not(frozen)), 1.0 - decay, 0.0)
        lowest = tf.reduce_min(tf.stack([tf.reduce_min(tensor) for tensor in inputs]))
        highest = tf.reduce_max(tf.stack([tf.reduce_max(tensor) for tensor in inputs]))
        # int8 represents zero exactly, so every range holds it.
        self.low.assign_add(rate * (tf.minimum(lowest, 0.0) - self.low))
        self.high.assign_add(rate * (tf.maximum(highest, 0.0) - self.high))


class FixedRange(tf_keras.layers.Layer):
    """Fake quantization with a range that the TFLite specification fixes."""

    def __init__(self, low: float, high: float, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.low, self.high = low, high

    def call(self, inputs: Any) -> Any:
        return tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high, num_bits=8)


class GraphQuantizer:
    """Wraps layers and quantizes tensors while a graph is emitted (see `emit.Quantizer`).

    Args:
        graph: decides which tensors have a range in common.
        quantize_weights: False where the weights are already those of int8 (for export).
    """

    def __init__(self, graph: Graph, quantize_weights: bool = True) -> None:
        self.decay = tf.Variable(0.99, trainable=False, dtype="float32", name="range_decay")
        self.frozen = tf.Variable(False, trainable=False, name="ranges_frozen")
        self.layers: dict[str, FakeQuantize] = {}
        self._quantize_weights = quantize_weights
        for group in range_groups(graph):
            layers = []
            for tensor in group:
                name = plain_name(f"{tensor}.range")
                self.layers[tensor] = FakeQuantize(tensor, self.decay, self.frozen, name=name)
                layers.append(self.layers[tensor])
            for layer in layers:
                layer.join(layers)

    def wrap(self, layer: Any) -> Any:
        if not self._quantize_weights or not hasattr(
            layer, "kernel_initializer" if not _depthwise(layer) else "depthwise_initializer"
        ):
            return layer
        return QuantizedWeights(layer, WeightsConfig())

    def quantize(self, node: Node, tensors: list[Any], same: list[Node]) -> list[Any]:
        if node.operation == "activation" and node.attributes["kind"] in FIXED_RANGES:
            low, high = FIXED_RANGES[node.attributes["kind"]]
            return [FixedRange(low, high)(tensor) for tensor in tensors]
        if node.tensor is None:
            return tensors
        return self.layers[node.tensor](tensors)


def _depthwise(layer: Any) -> bool:
    return isinstance(layer, tf_keras.layers.DepthwiseConv2D)


def range_groups(graph: Graph) -> list[list[str]]:
    """The logical tensors of a graph, those together that int8 gives one range."""
    root: dict[str, str] = {name: name for name in graph.nodes}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    first: dict[str, str] = {}
    for node in graph.nodes.values():
        if node.tensor is not None:
            root[find(node.name)] = find(first.setdefault(node.tensor, node.name))
        if node.operation in SAME_RANGE:
            for value in node.inputs:
                root[find(node.name)] = find(value)
    groups: dict[str, list[str]] = {}
    for tensor, name in first.items():
        if graph[name].operation == "activation" and graph[name].attributes["kind"] in FIXED_RANGES:
            continue
        groups.setdefault(find(name), []).append(tensor)
    return list(groups.values())
