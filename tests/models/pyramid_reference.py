"""Feature pyramid, RetinaNet's towers and Semantic FPN's head in NumPy, from the papers' text, a layer at a time."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Array = np.ndarray


def doubled(x: Array, finer: Array) -> Array:
    """Nearest neighbour to the finer map's size, cell by cell."""
    out = np.zeros((x.shape[0], *finer.shape[1:3], x.shape[3]))
    for row in range(out.shape[1]):
        for column in range(out.shape[2]):
            out[:, row, column] = x[:, row * x.shape[1] // out.shape[1], column * x.shape[2] // out.shape[2]]
    return out


def enlarged(x: Array, finer: Array) -> Array:
    """Twice as large, bilinear between cells' centres, the border's value beyond them; cut to the finer map."""
    out = np.zeros((x.shape[0], *finer.shape[1:3], x.shape[3]))

    def around(place: int, given: int) -> tuple[int, int, float]:
        at = min(max((place + 0.5) / 2 - 0.5, 0), given - 1)
        return math.floor(at), min(math.floor(at) + 1, given - 1), at - math.floor(at)

    for row in range(out.shape[1]):
        top, bottom, down = around(row, x.shape[1])
        for column in range(out.shape[2]):
            left, right, along = around(column, x.shape[2])
            upper = x[:, top, left] * (1 - along) + x[:, top, right] * along
            lower = x[:, bottom, left] * (1 - along) + x[:, bottom, right] * along
            out[:, row, column] = upper * (1 - down) + lower * down
    return out


class Pyramid:
    """`weights` maps layer name to {weight name: array}; `convolution` is that of tests/reference.py."""

    def __init__(
        self,
        weights: Mapping[str, Mapping[str, Array]],
        convolution: Callable[..., Array],
        limit: float = math.inf,
    ) -> None:
        self.weights, self.convolution, self.limit = weights, convolution, limit

    def plain(self, x: Array, name: str) -> Array:
        return self.convolution(x, self.weights[name]["kernel"], self.weights[name].get("bias"))

    def three(self, x: Array, name: str, level: str = "", stride: int = 1, activate: bool = True) -> Array:
        """A 3×3 convolution, in two parts if it is separable, with the norm of its level if there are norms."""
        weights = self.weights
        if f"{name}_depthwise" in weights:
            kernel = weights[f"{name}_depthwise"]["kernel"]
            x = self.plain(self.convolution(x, kernel, None, stride, depthwise=True), f"{name}_pointwise")
        else:
            whole = weights[f"{name}_conv"]
            x = self.convolution(x, whole["kernel"], whole.get("bias"), stride)
        norm = weights.get(f"{name}_norm{level}")
        if norm is not None:
            x = (x - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3)
            x = x * norm["gamma"] + norm["beta"]
        return np.clip(x, 0, self.limit) if activate else x

    def maps(self, features: Sequence[Array], first: int, extra: int = 0) -> list[Array]:
        levels = [first + place for place in range(len(features))]
        sums = [self.plain(x, f"neck_p{level}_lateral") for level, x in zip(levels, features, strict=True)]
        for place in range(len(sums) - 2, -1, -1):
            sums[place] = sums[place] + doubled(sums[place + 1], sums[place])
        found = [
            self.three(x, f"neck_p{level}", activate=False) for level, x in zip(levels, sums, strict=True)
        ]
        x = features[-1]
        for number in range(extra):
            x = self.three(x, f"neck_p{levels[-1] + 1 + number}", stride=2, activate=False)
            found.append(x)
        return found

    def retinanet(self, features: Sequence[Array], levels: int, depth: int) -> list[Array]:
        outputs = []
        for place, level in enumerate(self.maps(features[1:], 3, levels - 3)):
            for kind in ("logits", "deltas"):
                x = level
                for number in range(1, depth + 1):
                    x = self.three(x, f"{kind}_tower{number}", f"_p{place + 3}")
                outputs.append(self.plain(x, f"{kind}_conv"))
        return outputs

    def semantic_fpn(self, features: Sequence[Array]) -> Array:
        maps, total = self.maps(features, 2), 0
        for place, x in enumerate(maps):
            for number in range(1, max(place, 1) + 1):
                x = self.three(x, f"head_p{place + 2}_{number}")
                if place:
                    x = enlarged(x, maps[place - number])
            total = total + x
        return self.plain(total, "class_conv")
