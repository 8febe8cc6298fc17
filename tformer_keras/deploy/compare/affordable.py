"""How many images a comparison looks at: fewer where the reference kernels take long for one of them."""

from __future__ import annotations

from tformer_edge.graph import FileGraph

# A core of a server runs 1 to 1.7e9 of them a second [measured]. TFormer-S at 224×224 keeps its eight images; of a
# RetinaNet on it at 320×320 one image takes some ten seconds, and proof and layers took four minutes.
REFERENCE_MACS = 10_000_000_000


def affordable(file: FileGraph, images: int) -> int:
    """Of so many images, those that the reference kernels run `REFERENCE_MACS` for; at least one batch of the file."""
    batches = max(1, REFERENCE_MACS // max(1, file.macs))
    return min(images, batches * file.inputs[0].shape[0])
