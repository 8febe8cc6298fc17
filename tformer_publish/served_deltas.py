"""The deltas from one file to another, by every codec, and which of them are worth an entry in the metadata."""

import importlib.util

from tformer_edge.errors import Failure
from tformer_edge.update.delta import apply_delta, make_delta
from tformer_edge.update.recomputed_golden import apply_recomputed, make_recomputed
from tformer_edge.update.update_state import UpdateFailure

# A second delta must save this much: every device fetches its entry in the metadata.
SECOND_SAVES, SECOND_SHARE = 1024, 0.9


def worth_serving(sizes: dict[str, int], full: int) -> list[str]:
    """The codecs whose deltas are served: the plain one, and others where they save enough.

    Args:
        sizes: {codec: bytes of its delta}, "residual" among them.
        full: bytes by which the whole file is fetched.
    """
    served = ["residual"] if sizes["residual"] < full else []
    best = min(full, sizes["residual"])
    for codec, size in sizes.items():
        if codec != "residual" and size < SECOND_SHARE * best and size + SECOND_SAVES < best:
            served.append(codec)
    return served


def sizes(made: dict[str, bytes]) -> dict[str, int]:
    """Bytes by codec."""
    return {codec: len(delta) for codec, delta in made.items()}


def for_all(old: bytes, new: bytes, full: int) -> dict[str, bytes]:
    """The deltas that every device can apply; those that are served (`worth_serving`) are proved to lead to `new`."""
    made = {"residual": make_delta(old, new)}
    if apply_delta(old, made["residual"], len(new)) != new:
        raise Failure("a delta that does not lead to its target was made; please open an issue")
    recomputed = make_recomputed(old, new)
    if recomputed is None:
        return made
    both = {**made, "recomputed": recomputed}
    # Reference kernels take seconds of a large model: they run for what is served.
    if "recomputed" in worth_serving(sizes(both), full) and not _recomputes(old, recomputed, new):
        return made
    return both


def _recomputes(old: bytes, recomputed: bytes, new: bytes) -> bool:
    """Whether golden outputs come out as they stand in the file: they may be of a LiteRT whose kernels were others."""
    try:
        return apply_recomputed(old, recomputed, len(new)) == new
    except UpdateFailure:
        return False


def deltas(old: bytes, new: bytes, full: int) -> dict[str, bytes]:
    """A delta by each codec, those that are served proved to lead to `new`."""
    made = for_all(old, new, full)
    if importlib.util.find_spec("hdiffpatch"):
        import hdiffpatch

        made["hdiffpatch"] = bytes(hdiffpatch.diff(old, new, compression=hdiffpatch.COMPRESSION_LZMA2))
        if hdiffpatch.apply(old, made["hdiffpatch"]) != new:
            raise Failure("hdiffpatch made a delta that does not lead to its target; uninstall it")
    return made
