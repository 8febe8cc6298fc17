"""From the numbers of images to their pixels at a model's input size: decoded, cropped, cached, augmented."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.cache import PixelCache
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.placement import Box, Placement, crop_pixels
from tformer_keras.data.progress_bar import progress

# What lies around a picture that is shown smaller than the input: the grey of letterbox.
GROUND = 114


class PixelSource:
    """Reads the images of a split. What an image becomes follows from (seed, epoch, its number) alone.

    Args:
        split: the images.
        preprocessing: input size and resize rule.
        augmentation: None, or what changes the training images.
        seed: key of the augmentation's draws.
        cache_bytes: memory for decoded images. They are kept as they are after resizing and cropping if the
            whole split fits, otherwise decoded each time; with a random crop, as many originals as fit are kept.
        threads: that decode images.
    """

    def __init__(
        self,
        split: ImageSplit,
        preprocessing: Preprocessing,
        augmentation: Augmentation | None,
        seed: int,
        cache_bytes: int,
        threads: int,
    ) -> None:
        self.split, self.preprocessing, self.augmentation = split, preprocessing, augmentation
        self.seed, self.threads = seed, threads
        self.crops = augmentation is not None and augmentation.crops
        height, width = preprocessing.input_size
        keeps = self.crops or len(split) * height * width * 3 <= cache_bytes
        self.cache = PixelCache(len(split), cache_bytes) if keeps and cache_bytes else None
        # (height, width) of each picture, known once it has been decoded.
        self._sizes: list[tuple[int, int] | None] = [None] * len(split)

    def pixels(self, indices: NDArray[np.int64], epoch: int) -> tuple[NDArray[np.uint8], list[Placement]]:
        """Images as the model will see them, before mixing and normalisation, and where their pixels come from.

        Args:
            indices: (n,) numbers in the split, n ≥ 1.

        Returns:
            uint8 (n, height, width, 3), and of each image how its picture was placed in it.

        Raises UserError that names a file which cannot be decoded.
        """
        parts, boxes = zip(*self._read_all(indices, epoch), strict=True)
        pixels = np.stack(parts)
        if self.augmentation is None:
            return pixels, [Placement(box) for box in boxes]
        placements = self.augmentation.placements(boxes, self.seed, epoch, indices)
        return self.augmentation.images(pixels, self.seed, epoch, indices, placements), placements

    def fill(self, needed: Sequence[int]) -> None:
        """Decodes these images into the cache, in parallel, as far as it has room."""
        cache = self.cache
        if cache is None:
            return
        missing = [index for index in needed if cache.get(index) is None]

        def decode(part: Sequence[int]) -> int:
            for index in part:
                if cache.full:
                    break
                self._source(index)
            return len(part)

        parts = [missing[start : start + 64] for start in range(0, len(missing), 64)]
        with progress("Reading images", len(missing)) as done, ThreadPoolExecutor(self.threads) as pool:
            for decoded in pool.map(decode, parts):
                done(decoded)

    def _read_all(self, indices: NDArray[np.int64], epoch: int) -> list[tuple[NDArray[np.uint8], Box]]:
        """Each image's pixels at the input's size, and the box of its picture that they show."""
        cached = self.cache is not None and all(self.cache.get(index) is not None for index in indices)
        if self.threads == 1 or (cached and not self.crops):
            return [self._read(int(index), epoch) for index in indices]
        # Starting threads costs far less than decoding a batch, and none is left behind.
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda index: self._read(int(index), epoch), indices))

    def _read(self, index: int, epoch: int) -> tuple[NDArray[np.uint8], Box]:
        image = self._source(index)
        size = self._sizes[index]
        assert size is not None  # `_source` has just noted it
        if not self.crops or self.augmentation is None:
            return image, self.preprocessing.seen(*size)
        box = self.augmentation.crop_box(*size, self.seed, epoch, index)
        return crop_pixels(image, box, self.preprocessing.input_size, GROUND), box

    def _source(self, index: int) -> NDArray[np.uint8]:
        """What is cached: the preprocessed pixels, or the original ones when they are to be cropped at random."""
        image = self.cache.get(index) if self.cache is not None else None
        if image is None:
            image = self.split.pixels(index)
            self._sizes[index] = (image.shape[0], image.shape[1])
            if not self.crops:
                image = self.preprocessing.pixels(image)
            if self.cache is not None:
                self.cache.put(index, image)
        return image
