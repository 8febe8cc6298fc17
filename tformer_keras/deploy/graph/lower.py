"""Lowers a Keras 3 model to the device graph: its layers by rules, then exact rewrites (docs/device_graph.md)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.model_reader import read_graph
from tformer_keras.deploy.graph.nodes import Graph
from tformer_keras.deploy.graph.rewrites.cascade_max import cascade_max
from tformer_keras.deploy.graph.rewrites.dense_as_convolution import dense_as_convolution
from tformer_keras.deploy.graph.rewrites.depthwise_average import depthwise_average
from tformer_keras.deploy.graph.rewrites.fixed_ranges import free_fixed_ranges
from tformer_keras.deploy.graph.rewrites.fold_norms import fold_norms
from tformer_keras.deploy.graph.rewrites.fold_shuffle import fold_shuffle
from tformer_keras.deploy.graph.rewrites.halve_strides import halve_strides
from tformer_keras.deploy.graph.rewrites.nearest_by_copies import nearest_by_copies
from tformer_keras.deploy.graph.rewrites.nearest_in_sum import nearest_in_sum
from tformer_keras.deploy.graph.rewrites.one_partition import one_partition
from tformer_keras.deploy.graph.rewrites.plain_forms import (
    expand_activations,
    expand_hybrid_pools,
    expand_pools,
    fuse_activations,
    merge_slices,
    split_affines,
)
from tformer_keras.deploy.graph.rewrites.pointwise_before_resize import pointwise_before_resize
from tformer_keras.deploy.graph.rewrites.pools_as_depthwise import pools_as_depthwise
from tformer_keras.deploy.graph.rewrites.relu_in_product import relu_in_product
from tformer_keras.deploy.graph.rewrites.separable_max import separable_max
from tformer_keras.deploy.graph.rewrites.split_stream import split_stream
from tformer_keras.deploy.graph.rewrites.spread_in_sum import spread_in_sum
from tformer_keras.deploy.graph.rewrites.sum_before_resize import sum_before_resize
from tformer_keras.deploy.graph.rewrites.widen_stem import widen_stem


@dataclasses.dataclass(frozen=True)
class Pass:
    """One step of the lowering.

    Attributes:
        run: changes a graph in place.
        name: by which it can be chosen as a rewrite, exact and left out by "none"; None: it always runs.
        targets: for which "all" includes it.
        own_tensors: it makes logical tensors that no other set of rewrites has, so that a quantized model has it for
            good or never; see `keeping_ranges`.
    """

    run: Callable[[Graph], None]
    name: str | None = None
    targets: tuple[str, ...] = ("litert", "micro")
    own_tensors: bool = False


# All of them, in the order in which they run.
PIPELINE: tuple[Pass, ...] = (
    Pass(fold_norms, "fold_norms"),
    # TFLite Micro's plain loops would multiply the zeros of a wider stem.
    Pass(widen_stem, "widen_stem", ("litert",)),
    Pass(fuse_activations),
    Pass(expand_hybrid_pools),
    Pass(fold_shuffle, "fold_shuffle"),
    # Each operation costs TFLite Micro arena: one split of the whole stream and a pool a share are fewer than a stream
    # in parts and a cascade with its slices.
    Pass(split_stream, "split_stream", ("litert",)),
    Pass(depthwise_average, "depthwise_average"),
    # TFLite Micro has the operation, without taps to keep.
    Pass(pools_as_depthwise, "pools_as_depthwise", ("litert",)),
    Pass(cascade_max, "cascade_max", ("litert",)),
    # Before concatenations are nested: what the two pooling rewrites left becomes one pool a share.
    Pass(expand_pools),
    # More operations than TFLite Micro wants: see NPU.
    Pass(separable_max, "separable_max", ()),
    Pass(halve_strides, "halve_strides", ()),
    Pass(merge_slices),
    Pass(expand_activations),
    Pass(split_affines),
    Pass(relu_in_product, "relu_in_product", ("litert",)),
    # TFLite Micro's FULLY_CONNECTED rounds otherwise than LiteRT's reference kernel.
    Pass(dense_as_convolution, "dense_as_convolution", ("micro",)),
    # Not measured for microcontrollers.
    Pass(sum_before_resize, "sum_before_resize", ("litert",), own_tensors=True),
    Pass(pointwise_before_resize, "pointwise_before_resize", ("litert",)),
    Pass(spread_in_sum, "spread_in_sum", ("litert",), own_tensors=True),
    # TFLite Micro has the operation, and each of these costs it arena.
    Pass(nearest_in_sum, "nearest_in_sum", ("litert",)),
    Pass(nearest_by_copies, "nearest_by_copies", ("litert",)),
    Pass(one_partition, "one_partition"),
    Pass(free_fixed_ranges),
)
REWRITES = tuple(step.name for step in PIPELINE if step.name is not None)
# Beside what is chosen, where the file is compiled for an NPU. Measured for microcontrollers alone.
NPU: dict[str, tuple[str, ...]] = {"litert": (), "micro": ("separable_max", "halve_strides")}
# What "all" means for each target.
TARGETS: dict[str, tuple[str, ...]] = {
    target: tuple(step.name for step in PIPELINE if step.name is not None and target in step.targets)
    for target in ("litert", "micro")
}


OWN_TENSORS = tuple(step.name for step in PIPELINE if step.name is not None and step.own_tensors)


@dataclasses.dataclass(frozen=True)
class Lowered:
    """A device graph.

    Args:
        graph: its nodes, float64 weights.
        target: "litert" or "micro".
        rewrites: the names of those that were applied, in order.
        notes: one sentence each about what did not go the fast way.
        source: the Keras 3 model.
    """

    graph: Graph
    target: str
    rewrites: tuple[str, ...]
    notes: tuple[str, ...]
    source: Any

    @property
    def name(self) -> str:
        """Of the source model."""
        return str(self.source.name)

    @property
    def model(self) -> Any:
        """A new float32 tf_keras functional model of plain layers, equal to the source at inference."""
        from tformer_keras.deploy.graph.emit import emit

        return emit(self.graph, self.name, split=splits_channels(self.target, self.rewrites)).model


def splits_channels(target: str, rewrites: Iterable[str]) -> bool:
    """Whether slices that tile a tensor become one split, which XNNPACK does not take and TFLite Micro gains from."""
    return target == "micro" or "one_partition" not in rewrites


def choose_rewrites(target: str, rewrites: str | Iterable[str], npu: bool = False) -> tuple[str, ...]:
    """The rewrites that `rewrites` ("all", "none" or names) means for a target, in order; with `npu` also `NPU`'s.

    Raises:
        UserError: for an unknown target or name.
    """
    if target not in TARGETS:
        raise UserError(f"one of {', '.join(TARGETS)}", repr(target), "take one of them", where="target")
    known = {"all": TARGETS[target], "none": ()}
    if isinstance(rewrites, str):
        names = known.get(rewrites, (rewrites,))
    else:
        names = tuple(rewrites)
    if npu:
        names += NPU[target]
    for name in names:
        if name not in REWRITES:
            raise UserError(
                f"all, none or names among {', '.join(REWRITES)}", repr(name), "correct it", where="rewrites"
            )
    return tuple(name for name in REWRITES if name in names)


def keeping_ranges(target: str, rewrites: Iterable[str]) -> tuple[str, ...]:
    """All rewrites of a target, but of those that make logical tensors of their own the ones in `rewrites` alone.

    So a graph of `rewrites`, lowered for another target, finds the range of each of its tensors.
    """
    kept = {*TARGETS[target], *OWN_TENSORS} - (set(OWN_TENSORS) - set(rewrites))
    return tuple(name for name in REWRITES if name in kept)


def lower(
    model: Any, target: str = "litert", rewrites: str | Iterable[str] = "all", npu: bool = False
) -> Lowered:
    """Lowers a functional Keras 3 model (nested ones included) to an equal graph for devices.

    Args:
        model: built, of fixed height and width, channels last.
        target: "litert" (phones, Raspberry Pi) or "micro" (TensorFlow Lite Micro: fewest operations).
        rewrites: "all" that the target gains from, "none" (the layers as they stand), or names of `REWRITES`.
        npu: also those of `NPU`.

    Raises:
        UserError: for a model that is not functional, a dynamic size, weights that are not finite, a layer without a
            rule, or an unknown target or rewrite.
    """
    chosen = choose_rewrites(target, rewrites, npu)
    graph = read_graph(model, target)
    for step in PIPELINE:
        if step.name is None or step.name in chosen:
            step.run(graph)
            graph.tidy()
    return Lowered(graph, target, chosen, tuple(dict.fromkeys(graph.notes)), model)
