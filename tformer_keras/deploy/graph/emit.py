"""Builds a tf_keras model from a device graph, node by node; with fake quantization where a quantizer is given."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import tensorflow as tf
import tf_keras

from tformer_keras.deploy.graph import operations
from tformer_keras.deploy.graph.nodes import Graph, Node, Weight, plain_name

# tf-keras reads the user's keras.json, which may have other defaults than a device graph: float32, channels last.
tf_keras.backend.set_floatx("float32")
tf_keras.backend.set_epsilon(1e-7)
tf_keras.backend.set_image_data_format("channels_last")


class Quantizer(Protocol):
    """What turns a float graph into one for quantization-aware training (see `deploy/int8/fake_quantization.py`)."""

    def wrap(self, layer: Any) -> Any:
        """A layer of weights in a wrapper that quantizes them."""

    def quantize(self, node: Node, tensors: list[Any], same: list[Node]) -> list[Any]:
        """The outputs of nodes that are parts of one logical tensor, quantized with its one range."""


@dataclasses.dataclass(frozen=True)
class Emitted:
    """A tf_keras model, which of its variables holds which weight, and the layers of weights that train."""

    model: Any
    bindings: list[tuple[Any, Weight]]
    tensors: dict[str, Any]  # the symbolic output of every node
    trained_layers: list[Any]


def emit(
    graph: Graph,
    name: str,
    split: bool = False,
    quantizer: Quantizer | None = None,
    batch_size: int | None = None,
) -> Emitted:
    """The tf_keras model of a graph whose weights are the graph's.

    Args:
        split: cut tensors by TensorFlow's split where their slices tile them, as a stock conversion does.
        quantizer: quantizes weights and logical tensors.
        batch_size: None for any.
    """
    emitter = _Emitter(graph, split, quantizer, batch_size)
    outputs = [emitter.value(output) for output in graph.outputs]
    inputs = [emitter.raw[name] for name in graph.inputs]
    model = tf_keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name=plain_name(name))
    for variable, weight in emitter.bindings:
        variable.assign(weight.values.astype("float32"))
    return Emitted(model, emitter.bindings, emitter.raw, emitter.trained_layers)


class _Emitter:
    def __init__(
        self, graph: Graph, split: bool, quantizer: Quantizer | None, batch_size: int | None
    ) -> None:
        self.graph, self.quantizer, self.batch_size = graph, quantizer, batch_size
        self.raw: dict[str, Any] = {}
        self.quantized: dict[str, Any] = {}
        self.bindings: list[tuple[Any, Weight]] = []
        self.trained_layers: list[Any] = []
        self.shared: dict[Any, Any] = {}
        self.parts: dict[str, list[Node]] = {}
        for node in graph.nodes.values():
            if node.tensor is not None:
                self.parts.setdefault(node.tensor, []).append(node)
        self.splits = self._tilings() if split else {}
        # In order first: a deep graph would be too deep for recursion from its outputs.
        for name in graph.nodes:
            self.value(name)

    def value(self, name: str) -> Any:
        """The tensor that readers of a node see: quantized, together with the other parts of its logical tensor."""
        if name in self.quantized:
            return self.quantized[name]
        node = self.graph[name]
        if self.quantizer is None:
            self.quantized[name] = self._raw(name)
        else:
            parts = [node] if node.tensor is None else self.parts[node.tensor]
            tensors = [self._raw(part.name) for part in parts]
            for part, tensor in zip(parts, self.quantizer.quantize(node, tensors, parts), strict=True):
                self.quantized[part.name] = tensor
        return self.quantized[name]

    def _raw(self, name: str) -> Any:
        if name not in self.raw:
            node = self.graph[name]
            inputs = [self.value(value) for value in node.inputs]
            self.raw[name] = getattr(self, f"_{node.operation}")(node, *inputs)
        return self.raw[name]

    def _tilings(self) -> dict[str, list[Node]]:
        slices: dict[str, list[Node]] = {}
        for node in self.graph.nodes.values():
            if node.operation == "slice":
                slices.setdefault(node.inputs[0], []).append(node)
        tilings = {}
        for value, nodes in slices.items():
            nodes.sort(key=lambda node: node.attributes["start"])
            ends = [0, *(node.attributes["end"] for node in nodes)]
            starts = [*(node.attributes["start"] for node in nodes), self.graph[value].channels]
            if ends == starts:
                tilings[value] = nodes
        return tilings

    def _weighted(
        self, node: Node, make: Any, tensor: Any, roles: tuple[str, ...] = ("kernel", "bias")
    ) -> Any:
        """Calls the layer that holds a node's weights; nodes of the same weights share one layer."""
        weights = [node.weights[role] for role in roles if role in node.weights]
        key = (node.operation, repr(node.attributes), tuple((w.name, w.index.tobytes()) for w in weights))
        if key not in self.shared:
            layer = make()
            layer.trainable = all(weight.trainable for weight in weights)
            # Built before it is wrapped: tfmot's wrapper puts quantized tensors in the place of the variables.
            layer.build(tensor.shape)
            for role in roles:
                if role in node.weights:
                    variable = getattr(layer, "depthwise_kernel" if _is_depthwise(layer, role) else role)
                    self.bindings.append((variable, node.weights[role]))
            trained = layer.trainable
            called = self.quantizer.wrap(layer) if self.quantizer and trained else layer
            self.shared[key] = called
            self.trained_layers += [called] if trained else []
        return self.shared[key](tensor)

    # One method an operation.

    def _input(self, node: Node) -> Any:
        return tf_keras.Input(node.shape, batch_size=self.batch_size, name=layer_name(node))

    def _convolution(self, node: Node, tensor: Any) -> Any:
        attributes = node.attributes
        height, width, _, filters = node.weights["kernel"].values.shape
        if "column_block" in attributes:
            return self._weighted(
                node,
                lambda: operations.BlockConvolution(
                    filters,
                    (height, width),
                    attributes["column_block"],
                    strides=attributes["strides"],
                    activation=_activation(node),
                    use_bias="bias" in node.weights,
                    name=layer_name(node),
                ),
                tensor,
            )
        return self._weighted(
            node,
            lambda: tf_keras.layers.Conv2D(
                filters,
                (height, width),
                attributes["strides"],
                attributes["padding"],
                dilation_rate=attributes["dilation"],
                groups=attributes["groups"],
                activation=_activation(node),
                use_bias="bias" in node.weights,
                name=layer_name(node),
            ),
            tensor,
        )

    def _depthwise(self, node: Node, tensor: Any) -> Any:
        attributes = node.attributes
        height, width, _, multiplier = node.weights["kernel"].values.shape
        return self._weighted(
            node,
            lambda: tf_keras.layers.DepthwiseConv2D(
                (height, width),
                attributes["strides"],
                attributes["padding"],
                multiplier,
                dilation_rate=attributes["dilation"],
                activation=_activation(node),
                use_bias="bias" in node.weights,
                name=layer_name(node),
            ),
            tensor,
        )

    def _dense(self, node: Node, tensor: Any) -> Any:
        units = node.weights["kernel"].values.shape[1]
        return self._weighted(
            node,
            lambda: tf_keras.layers.Dense(
                units, activation=_activation(node), use_bias="bias" in node.weights, name=layer_name(node)
            ),
            tensor,
        )

    def _affine(self, node: Node, tensor: Any) -> Any:
        # Behind `split_affines`: either a factor or an offset.
        (role,) = node.weights
        quantized = self.quantizer is not None
        return self._weighted(
            node,
            lambda: operations.ChannelConstant(node.channels, role, quantized, name=layer_name(node)),
            tensor,
            (role,),
        )

    def _activation(self, node: Node, tensor: Any) -> Any:
        return operations.Elementwise(node.attributes["kind"], name=layer_name(node))(tensor)

    def _identity(self, node: Node, tensor: Any) -> Any:
        return operations.Elementwise("identity", name=layer_name(node))(tensor)

    def _elementwise(self, node: Node, *tensors: Any) -> Any:
        activation = node.attributes.get("activation")
        return operations.Elementwise(node.operation, activation, name=layer_name(node))(list(tensors))

    _add = _subtract = _multiply = _squared_difference = _maximum = _minimum = _elementwise

    def _with_constant(self, node: Node, tensor: Any) -> Any:
        quantized = self.quantizer is not None
        attributes = node.attributes
        return operations.WithConstant(
            attributes["function"],
            attributes["value"],
            attributes["first"],
            quantized,
            name=layer_name(node),
        )(tensor)

    def _leaky_relu(self, node: Node, tensor: Any) -> Any:
        return operations.LeakyRelu(node.attributes["slope"], name=layer_name(node))(tensor)

    def _transposed_convolution(self, node: Node, tensor: Any) -> Any:
        attributes = node.attributes
        height, width, filters, _ = node.weights["kernel"].values.shape
        return self._weighted(
            node,
            lambda: tf_keras.layers.Conv2DTranspose(
                filters,
                (height, width),
                attributes["strides"],
                attributes["padding"],
                output_padding=attributes["output_padding"],
                activation=_activation(node),
                use_bias="bias" in node.weights,
                name=layer_name(node),
            ),
            tensor,
        )

    def _crop(self, node: Node, tensor: Any) -> Any:
        starts, sizes = node.attributes["starts"], node.shape
        return operations.Crop(starts, sizes, name=layer_name(node))(tensor)

    def _transpose(self, node: Node, tensor: Any) -> Any:
        return tf_keras.layers.Permute(node.attributes["order"], name=layer_name(node))(tensor)

    def _scale_by(self, node: Node, tensor: Any) -> Any:
        quantized = self.quantizer is not None
        return operations.ScaleBy(node.attributes["value"], quantized, name=layer_name(node))(tensor)

    def _mean(self, node: Node, tensor: Any) -> Any:
        return operations.Mean(node.attributes["axes"], name=layer_name(node))(tensor)

    def _global_average(self, node: Node, tensor: Any) -> Any:
        return operations.Mean((1, 2), node.attributes["keepdims"], name=layer_name(node))(tensor)

    def _global_max(self, node: Node, tensor: Any) -> Any:
        return operations.Maximum(node.attributes["keepdims"], name=layer_name(node))(tensor)

    def _reciprocal_root(self, node: Node, tensor: Any) -> Any:
        return operations.ReciprocalRoot(name=layer_name(node))(tensor)

    def _pool(self, node: Node, tensor: Any) -> Any:
        classes = {
            "average_pool": tf_keras.layers.AveragePooling2D,
            "max_pool": tf_keras.layers.MaxPooling2D,
        }
        attributes = node.attributes
        layer = classes[node.operation](
            attributes["size"], attributes["strides"], attributes["padding"], name=layer_name(node)
        )
        return layer(tensor)

    _average_pool = _max_pool = _pool

    def _concatenate(self, node: Node, *tensors: Any) -> Any:
        return tf_keras.layers.Concatenate(node.attributes["axis"], name=layer_name(node))(list(tensors))

    def _slice(self, node: Node, tensor: Any) -> Any:
        (source,) = node.inputs
        if source not in self.splits:
            start, end = node.attributes["start"], node.attributes["end"]
            return operations.ChannelSlice(start, end, name=layer_name(node))(tensor)
        nodes = self.splits[source]
        layer = operations.ChannelSplit([part.channels for part in nodes], name=f"{layer_name(node)}_split")
        for part, output in zip(nodes, layer(tensor), strict=True):
            self.raw[part.name] = output
        return self.raw[node.name]

    def _shuffle(self, node: Node, tensor: Any) -> Any:
        return operations.Shuffle(node.attributes["groups"], name=layer_name(node))(tensor)

    def _reshape(self, node: Node, tensor: Any) -> Any:
        return tf_keras.layers.Reshape(node.shape, name=layer_name(node))(tensor)

    def _pad(self, node: Node, tensor: Any) -> Any:
        padding = node.attributes["padding"]
        if len(padding) == 3:
            return operations.Pad(padding, name=layer_name(node))(tensor)
        return tf_keras.layers.ZeroPadding2D(padding, name=layer_name(node))(tensor)

    def _resize(self, node: Node, tensor: Any) -> Any:
        height, width, _ = node.shape
        return operations.Resize((height, width), node.attributes["method"], name=layer_name(node))(tensor)


def _is_depthwise(layer: Any, role: str) -> bool:
    return role == "kernel" and isinstance(layer, tf_keras.layers.DepthwiseConv2D)


def _activation(node: Node) -> Any:
    kind = node.attributes.get("activation")
    return {None: None, "relu": tf.nn.relu, "relu6": tf.nn.relu6}[kind]


def layer_name(node: Node) -> str:
    """What the node's layer is called in the emitted model."""
    return plain_name(node.name)
