"""What a model's outputs are, as its `OutputMap` layers say."""

import keras

from tformer_edge.output_json import Output
from tformer_keras.layers.output_map import OutputMap


def output_maps(model: keras.Model) -> list[OutputMap]:
    """The layer that gives each output, in the model's order; none where some output comes from another layer."""
    layers = [output._keras_history.operation for output in model.outputs]
    return layers if all(isinstance(layer, OutputMap) for layer in layers) else []


def marked_layer(model: keras.Model) -> keras.layers.Layer:
    """The layer whose answer the first output's `OutputMap` marks."""
    return output_maps(model)[0].input._keras_history.operation


def outputs_of(model: keras.Model) -> tuple[Output, ...]:
    """The same as the contract says it; none for a classifier."""
    return tuple(Output(layer.name, layer.kind, layer.stride, layer.anchors) for layer in output_maps(model))


def task_of(model: keras.Model) -> str:
    """The contract's `task` of a model with such outputs."""
    kinds = {layer.kind for layer in output_maps(model)}
    return "segmentation" if kinds == {"class_logits"} else "detection" if kinds else "classification"
