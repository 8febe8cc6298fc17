"""Memory of a process, for tests."""

from tformer_edge.memory import status_bytes


def resident_bytes(pid: int | str = "self") -> int | None:
    """What process `pid` has resident now, or None where the system does not say (only Linux does)."""
    return status_bytes(pid, "VmRSS")
