"""Several TFormers in one: smaller ones are the first blocks of each stage of the largest, which is trained for all.

Depth is all that the paper's S, M and L differ in. What they have in common is one set of weights, norms and their
statistics included, so that it has the same bytes in int8 as well: a norm that stands before a convolution folds into
its kernel's input channels. To that end the capacities pass each block together, side by side along the batch: the
block's norms see them all, in training and therefore afterwards. Each capacity has a head of its own. Not stated by
the paper; depths that share weights are those of "Adaptive Depth Networks with Skippable Sub-Paths" (NeurIPS 2024).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from tformer_edge.errors import UserError, first_line
from tformer_keras.models.tformer import (
    VARIANTS,
    TFormer,
    TFormerConfig,
    block,
    block_drop_rate,
    head,
    patch_embedding,
    stem,
)

# How many times the smallest one's depths, as the paper's S, M and L have it.
MULTIPLES = {"S": 1, "M": 2, "L": 3}
_OF_THE_PAPER = ("tformer_s", "tformer_m", "tformer_l")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
# "best" and "fastest" are what a device may ask for, "largest" is what a record calls the first one.
_TAKEN = ("best", "fastest", "largest")
# Of each capacity its depths, the largest first.
Capacities = dict[str, tuple[int, ...]]


def capacities_of(text: str, model: str, config: TFormerConfig) -> Capacities:
    """The capacities that --nested asks for.

    Args:
        text: parts with commas between them: S, M or L, which are 1, 2 and 3 times the depths of `config` (of TFormer-S
            where it is one of the paper's three); depths such as 1-2-2-1, which are their own name; NAME=1-2-2-1.
        model: the name of what is trained.
        config: its configuration.

    Raises:
        UserError: something else, fewer than two, two of the same name or depths, or no largest one that holds all.
    """
    base = VARIANTS["tformer_s"].depths if model in _OF_THE_PAPER else config.depths
    found: Capacities = {}
    for part in text.split(","):
        name, _, given = part.partition("=")
        if part in MULTIPLES:
            depths = tuple(MULTIPLES[part] * depth for depth in base)
        else:
            depths = _depths(given or name, len(base))
        if name in _TAKEN:
            raise _wrong(f"a name that has no meaning yet, as {', '.join(_TAKEN)} have", part)
        if not _NAME.fullmatch(name) or name in found or depths in found.values():
            raise _wrong("names of letters, digits and -, and depths, each once", part)
        found[name] = depths
    ordered = dict(sorted(found.items(), key=lambda item: -sum(item[1])))
    largest = next(iter(ordered.values()))
    if len(ordered) < 2:
        raise _wrong("two capacities or more", text)
    for name, depths in ordered.items():
        if any(depth > most for depth, most in zip(depths, largest, strict=True)):
            raise _wrong(
                f"no stage deeper than in the largest one, {_shown(largest)}", f"{name}, {_shown(depths)}"
            )
    try:
        capacity_config(config, largest)
    except ValueError as error:
        raise _wrong("depths that the model takes", first_line(error)) from error
    return ordered


def NestedTFormer(config: TFormerConfig, capacities: Mapping[str, tuple[int, ...]]) -> keras.Model:
    """A network that computes all capacities of the same images, to be trained.

    Args:
        config: of a classifier; its depths do not count.
        capacities: depths by name, the largest first.

    Returns:
        A functional model of images (batch, *input_shape); its outputs are the capacities' logits (batch, classes) in
        their order. Layers have TFormer's names; smaller ones' heads have NAME_ before theirs.
    """
    largest, *_ = capacities.values()
    config = dataclasses.replace(config, depths=largest)
    inputs = layers.Input(config.input_shape, name="image")
    # What flows, each with the capacities that it belongs to: one tensor as long as they are the same.
    flows: list[tuple[frozenset[str], Any]] = [(frozenset(capacities), stem(inputs, config))]
    done = 0
    for stage, depth in enumerate(largest, 1):
        if stage > 1:
            flows = _together(flows, lambda x, stage=stage: patch_embedding(x, config, stage))
        ended: list[tuple[frozenset[str], Any]] = []
        for index in range(1, depth + 1):
            going = []
            for names, x in flows:
                on = frozenset(name for name in names if capacities[name][stage - 1] >= index)
                going += [(on, x)] if on else []
                ended += [(names - on, x)] if names - on else []
            name, rate = f"stage{stage}_block{index}", block_drop_rate(config, done)
            flows = _together(going, lambda x, name=name, rate=rate: block(x, config, rate, name))
            done += 1
        flows += ended
    of = {name: x for names, x in flows for name in names}
    outputs = [head(of[name], config, _head_name(capacities, name)) for name in capacities]
    return keras.Model(inputs, outputs, name="nested")


def capacity_config(config: TFormerConfig, depths: tuple[int, ...]) -> TFormerConfig:
    """The configuration of one capacity as a model of its own."""
    return dataclasses.replace(config, depths=depths)


def capacity_model(
    nested: keras.Model, config: TFormerConfig, capacities: Mapping[str, tuple[int, ...]], name: str
) -> keras.Model:
    """One capacity as an ordinary TFormer of its name, a copy with the weights as they are now."""
    model = TFormer(capacity_config(config, capacities[name]), name)
    copy_capacity(nested, model, _head_name(capacities, name))
    return model


def fill_largest(nested: keras.Model, model: keras.Model) -> None:
    """Gives the network the weights of an ordinary TFormer of the largest capacity."""
    for layer in model.layers:
        if layer.weights:
            nested.get_layer(layer.name).set_weights(layer.get_weights())


def copy_capacity(nested: keras.Model, model: keras.Model, head_name: str) -> None:
    """Gives an ordinary TFormer the network's weights, and the head's of that name."""
    for layer in model.layers:
        if layer.weights:
            name = re.sub("^head(?=_)", head_name, layer.name)
            layer.set_weights(nested.get_layer(name).get_weights())


def _together(flows: list[tuple[frozenset[str], Any]], apply: Any) -> list[tuple[frozenset[str], Any]]:
    """`apply` to all tensors side by side along the batch."""
    if len(flows) == 1:
        return [(flows[0][0], apply(flows[0][1]))]
    parts = ops.split(apply(ops.concatenate([x for _, x in flows], axis=0)), len(flows), axis=0)
    return [(names, part) for (names, _), part in zip(flows, parts, strict=True)]


def _head_name(capacities: Mapping[str, tuple[int, ...]], name: str) -> str:
    return "head" if name == next(iter(capacities)) else f"{name}_head"


def _depths(text: str, stages: int) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9]\d{0,2}(-[1-9]\d{0,2})*", text) or text.count("-") != stages - 1:
        raise _wrong(
            f"S, M, L, or {stages} depths as {'-'.join('1' * stages)}, NAME= before them or not", repr(text)
        )
    return tuple(int(depth) for depth in text.split("-"))


def _shown(depths: tuple[int, ...]) -> str:
    return "-".join(map(str, depths))


def _wrong(expected: str, received: str) -> UserError:
    return UserError(expected, received, "correct it", where="--nested")
