"""What a model of the latency tables is: a label, how it is built, and who converts it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

KINDS = ("int8", "fp16", "float")


@dataclasses.dataclass(frozen=True)
class Peer:
    """A model of the tables.

    Args:
        label: for people.
        build: makes the Keras 3 model, float32, images `(batch, 224, 224, 3)` to logits, no preprocessing inside.
        converter: "tensorflow" (its own converter and post-training quantization) or "tformer" (this package's
            `lower`, `quantize_aware` and `export_flatbuffer`). Plain peers are no faster by the latter [measured:
            within 1 %], and TFormer without rewrites is as fast by either (24.4 and 24.6 ms).
        rewrites: what `lower` is told; "tformer" only.
        kinds: of files that are made.
    """

    label: str
    build: Callable[[], Any]
    converter: str = "tformer"
    rewrites: str = "all"
    kinds: tuple[str, ...] = KINDS
