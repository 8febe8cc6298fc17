"""What an update is asked to do, and the records that bind its folders to that."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tformer_keras.data.dataset import Dataset
from tformer_keras.training.run_folder import LoopJob, make_record
from tformer_keras.training.saved_model import Trained

STAGES = "stages"
# Shares of all weights that are tried, beside the head alone and all of them.
SHARES = (0.01, 0.05, 0.1)


@dataclass(frozen=True, kw_only=True)
class UpdateJob(LoopJob):
    """One update of a quantized model; `recipe` has the model's own input size and preprocessing.

    Attributes:
        source: the model as the user named it.
        budget: most bytes of the update, ≥ 1; or most of it as a share of the deployed file, 0 to 1.
        shares: of all weights that may move, each of which is tried, above 0 and below 1.
        deployed: the file that devices have; None: what the model converts to.
        split_seed: what a folder without test images, and the digits, were split by when the model was trained.
    """

    source: str
    budget: int | float
    shares: tuple[float, ...] = SHARES
    deployed: Path | None = None
    split_seed: int = 0

    def most_bytes(self, file_bytes: int) -> int:
        """The budget in bytes, of a deployed file of so many."""
        return self.budget if isinstance(self.budget, int) else int(self.budget * file_bytes)

    def stage(self, name: str) -> Path:
        """The folder of one training."""
        return self.out / STAGES / name


def run_record(
    job: UpdateJob, trained: Trained, dataset: Dataset, arrays: dict[str, np.ndarray], deployed: bytes
) -> dict[str, Any]:
    """config.json of the whole update."""
    decides = {
        **_decides(job, arrays),
        "budget": job.budget,
        "shares": list(job.shares),
        "deployed_sha256": hashlib.sha256(deployed).hexdigest(),
    }
    return make_record(job, dataset, trained.preprocessing, trained.record, decides, {})


def stage_record(
    job: UpdateJob, trained: Trained, dataset: Dataset, arrays: dict[str, np.ndarray], share: float | str
) -> dict[str, Any]:
    """config.json of one training, in which a share of the weights, or the "head", moves."""
    decides = {**_decides(job, arrays), "moves": share}
    return make_record(job, dataset, trained.preprocessing, trained.record, decides, {})


def _decides(job: UpdateJob, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    weights = hashlib.sha256()
    for name in sorted(arrays):
        weights.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return {"update": job.source, "weights_sha256": weights.hexdigest(), "split_seed": job.split_seed}
