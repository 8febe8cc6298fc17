"""A store whose memory is lost, rebuilt from what lies in its slots: never without a floor that a person names."""

import hashlib
import secrets
from pathlib import Path

from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.files import read_regular
from tformer_edge.update.bundle import BEST, Bundle
from tformer_edge.update.state_file import DeviceState, Slot, write_state
from tformer_edge.update.update_state import UpdateFailure


def rebuild(folder: Path, floor: int) -> DeviceState:
    """A new state of a store that has none that is whole.

    The slot written last answers, if it holds a whole model file by its own SHA-256s; its release counts as 0, so that
    the next update brings a release of `floor` or higher.

    Raises UserError where `floor` is below 1.
    """
    if floor < 1:
        raise UserError(
            "a floor of 1 or more",
            str(floor),
            "ask the publisher for the release now in use",
            where="--floor",
        )
    found: list[tuple[float, str, Slot]] = []
    for name in "ab":
        path = folder / f"slot-{name}.tflite"
        try:
            data = read_regular(path)
            if read_model_file(Bundle(data).file(BEST)).contract is None:
                continue
        except (OSError, UserError, UpdateFailure):
            continue
        found.append((path.stat().st_mtime, name, Slot(0, hashlib.sha256(data).hexdigest(), len(data))))
    slots = {name: slot for _, name, slot in found}
    active = max(found)[1] if found else ""
    return write_state(
        folder, DeviceState(secrets.token_hex(16), slots=slots, active=active, floor=floor - 1)
    )
