"""What a forked copy of this process must not touch: threads that are not there any more, and pipes that it shares.

`fork` copies memory and open files, but only the thread that calls it. An interpreter's thread pool is then waited for
in vain, and two processes that read one pipe take each other's answers.
"""

import os
import weakref
from typing import Protocol


class Forgetful(Protocol):
    """Something that holds threads, pipes or locks."""

    def forget(self) -> None:
        """Lets go of them without ending them: they are the parent's. Called in the copy, right after the fork."""
        ...


_HELD: "weakref.WeakSet[Forgetful]" = weakref.WeakSet()


def forget_when_forked(holder: Forgetful) -> None:
    """From now on, `holder.forget()` is called in every forked copy of this process, for as long as it lives."""
    _HELD.add(holder)


def _forget() -> None:
    for holder in list(_HELD):
        holder.forget()


if hasattr(os, "register_at_fork"):  # POSIX only, as fork is
    os.register_at_fork(after_in_child=_forget)
