"""Answers images within a time: the best capacity that keeps it, changed between two images as the device gets slower.

A release that came meanwhile is taken up in the same way. The next model is loaded, tried and measured beside the one
that answers, which is closed when the next one stands in its place: no image is missed.
"""

import contextlib
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tformer_edge.errors import Failure, UserError
from tformer_edge.model import Model
from tformer_edge.update.bundle import BEST, Bundle
from tformer_edge.update.capacity_choice import Wanted, median_ms
from tformer_edge.update.model_store import ModelStore

# A larger capacity is taken where it is expected to need no more than this share of the budget.
ROOM = 0.8


class Serving:
    """A store's models as one: `with Serving(ModelStore("models"), budget_ms=20) as serving: serving.predict(photo)`.

    Args:
        store: with a release.
        budget_ms: the most milliseconds that `predict` is to take, reading the picture included, by the median of the
            last images; where the fastest capacity takes longer, it is the one that answers.
        window: images, at least 1, that decide, all of them answered by the capacity in use.
        every: seconds between looks for a newer release.
        clock: seconds, as time.perf_counter gives them.
        options: as of Model.

    Attributes:
        capacity: the name of the one that answers.
        failure: why the last change did not happen, a sentence; "" where it did.

    Raises what `ModelStore.open` raises. One thread at a time predicts; others wait.
    """

    def __init__(
        self,
        store: ModelStore,
        budget_ms: float,
        *,
        window: int = 20,
        every: float = 5.0,
        clock: Callable[[], float] = time.perf_counter,
        **options: Any,
    ) -> None:
        Wanted(budget_ms=budget_ms)  # checks it
        if window < 1:
            raise UserError("1 image or more", str(window), "20 is usual", where="window")
        self.store, self.budget_ms, self.failure = store, budget_ms, ""
        self._every, self._clock, self._options = every, clock, options
        self._lock = threading.Lock()
        self._times: deque[float] = deque(maxlen=window)
        self._thread: threading.Thread | None = None
        self._next: _Ready | None = None
        self._now = self._first(store.bundle())
        self._looked = clock()

    @property
    def capacity(self) -> str:
        return self._now.name

    def predict(self, image: Any, **options: Any) -> Any:
        """As Model.predict, of one image."""
        with self._lock:
            self._take_next()
            started = self._clock()
            answer = self._now.model.predict(image, **options)
            self._times.append(1e3 * (self._clock() - started))
            self._plan()
            return answer

    def wait(self) -> None:
        """Until a change that was begun is ready for the next image, if there is one."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Frees all models; more calls do nothing."""
        self.wait()
        with self._lock:
            self._take_next()
            self._now.model.close()

    def __enter__(self) -> "Serving":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_next(self) -> None:
        ready, self._next = self._next, None
        if ready is not None:
            before, self._now = self._now.model, ready
            self._times.clear()
            before.close()

    def _plan(self) -> None:
        """Begins a change where one is due and none is under way."""
        if self._next is not None or (self._thread is not None and self._thread.is_alive()):
            return
        now, bundle = self._now, self._now.bundle
        if self._clock() - self._looked >= self._every:
            self._looked = self._clock()
            with contextlib.suppress(UserError, Failure, OSError):
                if not self.store.is_open():
                    self._begin(self._newer)
                    return
        if len(self._times) < (self._times.maxlen or 1):
            return
        median = statistics.median(self._times)
        place = bundle.names.index(now.name)
        if median > self.budget_ms and place + 1 < len(bundle.names):
            self._begin(lambda: self._of(bundle, bundle.names[place + 1], now.measured))
        elif place and median * now.measured[bundle.names[place - 1]] <= (
            ROOM * self.budget_ms * now.measured[now.name]
        ):
            self._begin(lambda: self._of(bundle, bundle.names[place - 1], now.measured))

    def _begin(self, make: "Callable[[], _Ready]") -> None:
        def work() -> None:
            try:
                self._next, self.failure = make(), ""
            except (UserError, Failure, OSError, MemoryError) as error:
                self.failure = str(error)
                self._times.clear()  # so that it is not tried again at the next image

        self._thread = threading.Thread(target=work, name="next-capacity", daemon=True)
        self._thread.start()

    def _newer(self) -> "_Ready":
        """The active release; where it fails here, that counts as an opening of its trial, and is tried again."""
        try:
            return self._first(self.store.bundle())
        except BaseException:
            self.store.forget()
            raise

    def _first(self, bundle: Bundle) -> "_Ready":
        """Measures all capacities of a release, and opens the best within the budget, or else the fastest."""
        measured: dict[str, float] = {}
        for name in bundle.names:
            with Model(bundle.file(name or BEST), **self._options) as model:
                measured[name] = median_ms(model)
        within = [name for name in bundle.names if measured[name] <= self.budget_ms]
        return self._of(bundle, within[0] if within else bundle.names[-1], measured)

    def _of(self, bundle: Bundle, name: str, measured: dict[str, float]) -> "_Ready":
        return _Ready(bundle, name, Model(bundle.file(name or BEST), **self._options), measured)


class _Ready:
    """A model that can answer, with what is known of its release."""

    def __init__(self, bundle: Bundle, name: str, model: Model, measured: dict[str, float]) -> None:
        self.bundle, self.name, self.model, self.measured = bundle, name, model, measured
