"""From the numbers of images to their pixels at a model's input size: decoded, cropped, cached, augmented."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tformer_edge.picture_file import PictureSize
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.cache import PixelCache
from tformer_keras.data.dataset import FileReader, ImageSplit
from tformer_keras.data.placement import Box, Placement, crop_file, crop_pixels, fewest_pixels
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
            whole split fits, otherwise decoded each time; with a random crop, as many originals as fit are kept
            (with `reduced_decoding` at each size at which they were decoded).
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
        self.cache = PixelCache(cache_bytes) if keeps and cache_bytes else None
        # Of each picture, known once it has been opened.
        self._headers: dict[int, PictureSize] = {}

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

    def fill(self, needed: Sequence[int], epoch: int) -> None:
        """Decodes these images into the cache, as `epoch` needs them, in parallel, as far as it has room."""
        cache = self.cache
        if cache is None:
            return
        missing = [index for index in needed if self._kept(index, epoch) is None]

        def decode(part: Sequence[int]) -> int:
            for index in part:
                if cache.full:
                    break
                self._decoded(index, epoch)
            return len(part)

        parts = [missing[start : start + 64] for start in range(0, len(missing), 64)]
        with progress("Reading images", len(missing)) as done, ThreadPoolExecutor(self.threads) as pool:
            for decoded in pool.map(decode, parts):
                done(decoded)

    def _read_all(self, indices: NDArray[np.int64], epoch: int) -> list[tuple[NDArray[np.uint8], Box]]:
        """Each image's pixels at the input's size, and the box of its picture that they show."""
        cached = not self.crops and all(self._kept(index, epoch) is not None for index in indices.tolist())
        if self.threads == 1 or cached:
            return [self._read(index, epoch) for index in indices.tolist()]
        # Starting threads costs far less than decoding a batch, and none is left behind.
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda index: self._read(index, epoch), indices.tolist()))

    def _read(self, index: int, epoch: int) -> tuple[NDArray[np.uint8], Box]:
        image, size = self._kept(index, epoch), self.preprocessing.input_size
        keeps = self.cache is not None and not self.cache.full
        if image is None and self.crops and not keeps and isinstance(self.split.read, FileReader):
            with self.split.read.open(index) as file:
                self._headers[index] = file.header
                box, parts = self._box(index, epoch)
                return crop_file(file, box, size, GROUND, parts), box
        if image is None:
            image = self._decoded(index, epoch)
        box, parts = self._box(index, epoch)
        return (crop_pixels(image, box, size, GROUND, parts) if self.crops else image), box

    def _box(self, index: int, epoch: int) -> tuple[Box, int]:
        """Which box of a picture that has been opened fills the input, and at 1 / what of its size it is decoded."""
        header, augmentation = self._headers[index], self.augmentation
        if augmentation is None or not self.crops:
            return self.preprocessing.seen(*header.size), 1
        box = augmentation.crop_box(*header.size, self.seed, epoch, index)
        most = header.most if augmentation.reduced_decoding else 1
        return box, fewest_pixels(box, self.preprocessing.input_size, most)

    def _kept(self, index: int, epoch: int) -> NDArray[np.uint8] | None:
        """What `_decoded` gives, where the cache has it."""
        if self.cache is None or index not in self._headers:
            return None
        return self.cache.get(index, self._box(index, epoch)[1])

    def _decoded(self, index: int, epoch: int) -> NDArray[np.uint8]:
        """What is cached: the preprocessed pixels, or the picture's own where they are to be cropped at random."""
        parts = 1
        if isinstance(self.split.read, FileReader) and self.crops:
            with self.split.read.open(index) as file:
                self._headers[index] = file.header
                parts = self._box(index, epoch)[1]
                image = file.pixels(parts)
        else:
            image = self.split.pixels(index)
            self._headers[index] = PictureSize((image.shape[0], image.shape[1]), 1)
            if not self.crops:
                image = self.preprocessing.pixels(image)
        if self.cache is not None:
            self.cache.put(index, image, parts)
        return image
