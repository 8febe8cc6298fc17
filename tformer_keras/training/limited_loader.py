"""The loader as `fit` is given it: shorter epochs for trials, and errors that name the file."""

import contextlib
from collections.abc import Iterator

from tformer_keras.data.loader import Loader


@contextlib.contextmanager
def naming_file(loader: Loader) -> Iterator[None]:
    """Within the context an error of tf.data is replaced by the loader's own, which names the file."""
    try:
        yield
    except Exception as error:
        if loader.failure is not None:
            raise loader.failure from error
        raise


class LimitedLoader(Loader):
    """A loader whose epochs end after `limit` batches."""

    limit: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, at least 1."""
        whole = super().steps_per_epoch
        return whole if self.limit is None else min(whole, self.limit)
