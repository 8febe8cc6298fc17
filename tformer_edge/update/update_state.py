"""The named states in which an update can end, and the error that carries one."""

from enum import StrEnum

from tformer_edge.errors import Failure


class UpdateState(StrEnum):
    """Where an update ended. In every one of them the store's active model is whole and answers, if it had one."""

    UPDATED = "UPDATED"
    UP_TO_DATE = "UP_TO_DATE"
    NOT_IN_ROLLOUT = "NOT_IN_ROLLOUT"
    INCOMPATIBLE = "INCOMPATIBLE"
    FAILED_BEFORE = "FAILED_BEFORE"  # this release failed its self-test or trial here: waits for a newer one
    CORRUPT = "CORRUPT"
    UNTRUSTED = "UNTRUSTED"
    ROLLBACK = "ROLLBACK"
    FREEZE = "FREEZE"
    NETWORK = "NETWORK"
    SLOW = "SLOW"
    DISK = "DISK"
    BUSY = "BUSY"
    SELFTEST_FAILED = "SELFTEST_FAILED"
    FLOOR_LOST = "FLOOR_LOST"


class UpdateFailure(Failure):
    """An update that did not happen, in one sentence, with the state that names why."""

    def __init__(self, state: UpdateState, sentence: str) -> None:
        super().__init__(f"{state}: {sentence}")
        self.state = state
