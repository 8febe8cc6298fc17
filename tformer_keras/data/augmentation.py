"""Training augmentation as data: which ones, how strong, and their exact, keyed effect on a batch."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_keras.data.colours import change_colours
from tformer_keras.data.keyed_random import noise_bytes, uniforms
from tformer_keras.data.placement import Box, Placement, move_pixels
from tformer_keras.data.randaugment import DRAWS_PER_OPERATION, rand_augment

# One stream of draws a use, so that switching one augmentation on leaves the draws of the others alone.
_FLIP, _SHIFT, _RAND_AUGMENT, _ERASE, _ERASE_NOISE, _MIX, _CROP, _ZOOM, _COLOUR = range(9)
BORDERS = ("zero", "reflect")


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Options of training augmentation; all off by default.

    All randomness is a function of (seed, epoch, image index): it does not depend on the batch an image
    falls into, the number of processes, or the backend. All but the mixes work on uint8. RandAugment's operations
    are Pillow's. Flip, shift, erasing and the two mixes are NumPy indexing, because a batch of 128 images of 32x32 on
    one core takes, with Keras' layers run eagerly on TensorFlow and on JAX: flip 2.8 and 0.5 ms, shift 5.0 and 20 ms,
    erasing 17 and 12 ms, MixUp 5.6 and 3.5 ms, CutMix 15 and 5.6 ms; in NumPy flip and shift together take 0.7 ms,
    erasing 0.3 ms and a mix 0.5 ms [measured, with float32 pixels]. The tests hold flip, shift and erasing to the
    Keras layers.

    Attributes:
        horizontal_flip: mirror left and right with probability 1/2 (`keras.layers.RandomFlip`).
        shift: move by up to this many pixels in each direction (`keras.layers.RandomTranslation`); 0 is off.
        border: what a shift brings in: "zero" (black) or "reflect" (mirrored, the edge pixel repeated).
        resized_crop: (least, greatest) share of the image's area for Inception's random crop, which the
            loader makes (see `crop_box`); None is off.
        zoom_crop: (least, greatest) size at which the picture is shown, 1 being evaluation's, log-uniform: above 1 a
            part of it, below 1 all of it on a grey ground, at a random place, its aspect changed by up to a tenth; None
            is off. Boxes and masks go with it, so it is what detection and segmentation take for `resized_crop`.
        colour: 0 (off) to 1: brightness, contrast and saturation each change by a factor of up to 1 ± this.
        rand_augment: (operations an image, magnitude 0..10) or None.
        random_erasing: probability of erasing a box of an image with noise (Zhong et al., AAAI 2020, "RE-R").
        erasing_area: (least, greatest) share of the image's area that is erased; the paper's 0.02 to 0.4.
        mixup: alpha of MixUp's Beta(alpha, alpha) (Zhang et al., ICLR 2018); 0 is off.
        cutmix: alpha of CutMix's Beta(alpha, alpha) (Yun et al., ICCV 2019); 0 is off.
        mix_probability: share of pairs that are mixed; where both mixes are on, a coin decides between them.
        reduced_decoding: part of the random crop: a JPEG is decoded at 1/2, 1/4 or 1/8 of its size where the crop is
            still as large as the input then, by a smaller cosine transform. Faster, and not the same pixels to the bit.

    Raises:
        UserError: an option is out of its range.
    """

    horizontal_flip: bool = False
    shift: int = 0
    border: str = "zero"
    resized_crop: tuple[float, float] | None = None
    zoom_crop: tuple[float, float] | None = None
    colour: float = 0.0
    rand_augment: tuple[int, float] | None = None
    random_erasing: float = 0.0
    erasing_area: tuple[float, float] = (0.02, 0.4)
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_probability: float = 1.0
    reduced_decoding: bool = False

    def __post_init__(self) -> None:
        for name in ("resized_crop", "zoom_crop", "rand_augment", "erasing_area"):
            value = getattr(self, name)
            if isinstance(value, list):  # as JSON gives them back
                object.__setattr__(self, name, tuple(value))
        _check(
            self.shift >= 0 and int(self.shift) == self.shift,
            "shift",
            "a whole number of 0 or more",
            self.shift,
        )
        _check(self.border in BORDERS, "border", f"one of {BORDERS}", self.border)
        for name in ("resized_crop", "erasing_area"):
            area = getattr(self, name)
            correct = area is None or (len(area) == 2 and 0.0 < area[0] <= area[1] <= 1.0)
            _check(correct, name, "two shares of the area, 0 < least <= greatest <= 1", area)
        zoom = self.zoom_crop
        correct = zoom is None or (len(zoom) == 2 and 0.1 <= zoom[0] <= zoom[1] <= 10.0)
        _check(correct, "zoom_crop", "two sizes, 0.1 <= least <= greatest <= 10", zoom)
        _check(zoom is None or self.resized_crop is None, "zoom_crop", "None beside resized_crop", zoom)
        _check(0.0 <= self.colour <= 1.0, "colour", "a strength from 0 to 1", self.colour)
        augment = self.rand_augment
        correct = augment is None or (len(augment) == 2 and augment[0] >= 1 and 0.0 <= augment[1] <= 10.0)
        _check(correct, "rand_augment", "(operations of 1 or more, magnitude from 0 to 10)", augment)
        for name in ("random_erasing", "mix_probability"):
            probability = getattr(self, name)
            _check(0.0 <= probability <= 1.0, name, "a probability from 0 to 1", probability)
        for name in ("mixup", "cutmix"):
            alpha = getattr(self, name)
            _check(alpha >= 0.0, name, "an alpha of 0 (off) or more", alpha)

    @property
    def mixes(self) -> bool:
        """Whether `mix` does anything."""
        return (self.mixup > 0 or self.cutmix > 0) and self.mix_probability > 0

    @property
    def crops(self) -> bool:
        """Whether each picture is cropped anew, so that the loader needs it as it is."""
        return self.resized_crop is not None or self.zoom_crop is not None

    def crop_box(self, height: int, width: int, seed: int, epoch: int, index: int) -> Box:
        """The box of Inception's random resized crop: share uniform, aspect ratio log-uniform in 3/4..4/3.

        Args:
            height, width: size of the whole image in pixels.
            seed, epoch, index: the key of the draw.

        Returns:
            (top, left, height, width) in pixels; the whole image where `resized_crop` is None.
        """
        if self.zoom_crop is not None:
            return _zoom_box(height, width, self.zoom_crop, uniforms(seed, epoch, [index], _ZOOM, 4)[0])
        if self.resized_crop is None:
            return 0, 0, height, width
        draws = uniforms(seed, epoch, [index], _CROP, 40)[0].reshape(10, 4)
        least, greatest = self.resized_crop
        for area_draw, aspect_draw, top_draw, left_draw in draws.tolist():
            area = (least + (greatest - least) * area_draw) * height * width
            aspect = (3 / 4) * (16 / 9) ** aspect_draw
            crop_height, crop_width = round((area / aspect) ** 0.5), round((area * aspect) ** 0.5)
            if 0 < crop_height <= height and 0 < crop_width <= width:
                top = int(top_draw * (height - crop_height + 1))
                left = int(left_draw * (width - crop_width + 1))
                return top, left, crop_height, crop_width
        # Ten misses, which only very long images bring about: the largest centred crop of an allowed ratio.
        crop_width = min(width, max(1, round(height * 4 / 3)))
        crop_height = min(height, max(1, round(width * 4 / 3)))
        return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width

    def placements(
        self, boxes: Sequence[Box], seed: int, epoch: int, indices: Sequence[int] | np.ndarray
    ) -> list[Placement]:
        """Where the pixels of a batch go: flips and shifts are drawn here, for boxes that are drawn before decoding.

        Args:
            boxes: of each picture, from `crop_box`, or what evaluation sees of it.
            seed, epoch: key of the draws.
            indices: (b,) each image's number in its split.
        """
        flips = np.zeros(len(boxes), dtype=bool)
        offsets = np.zeros((len(boxes), 2), np.int64)
        if self.horizontal_flip:
            flips = uniforms(seed, epoch, indices, _FLIP, 1)[:, 0] < 0.5
        if self.shift:
            draws = uniforms(seed, epoch, indices, _SHIFT, 2)
            offsets = self.shift - (draws * (2 * self.shift + 1)).astype(np.int64)
        return [
            Placement(box, flip, (down, right))
            for box, flip, (down, right) in zip(boxes, flips.tolist(), offsets.tolist(), strict=True)
        ]

    def images(
        self,
        pixels: NDArray[np.uint8],
        seed: int,
        epoch: int,
        indices: Sequence[int] | np.ndarray,
        placements: Sequence[Placement] | None = None,
    ) -> NDArray[np.uint8]:
        """Augments each image by itself: flip, shift, colour, RandAugment, erasing, in this order.

        Args:
            pixels: uint8 (b, H, W, 3), cropped and resized; left as it is.
            seed, epoch: key of the draws.
            indices: (b,) each image's number in its split.
            placements: from `placements` of the same key; None: drawn here.

        Returns:
            A new uint8 (b, H, W, 3).
        """
        indices = np.asarray(indices)
        if placements is None:
            height, width = pixels.shape[1:3]
            placements = self.placements([(0, 0, height, width)] * len(pixels), seed, epoch, indices)
        images = move_pixels(pixels, placements, self.border)
        if self.colour:
            draws = uniforms(seed, epoch, indices, _COLOUR, 3)
            for row in range(len(images)):  # one by one: an image of floats stays in a processor's cache
                one = slice(row, row + 1)
                images[one] = np.rint(change_colours(images[one].astype(np.float32), self.colour, draws[one]))
        if self.rand_augment is not None:
            operations, magnitude = self.rand_augment
            draws = uniforms(seed, epoch, indices, _RAND_AUGMENT, operations * DRAWS_PER_OPERATION)
            for row, own in enumerate(draws):
                images[row] = rand_augment(images[row], operations, magnitude, own)
        if self.random_erasing > 0:
            self._erase(images, seed, epoch, indices)
        return images

    def mix(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        seed: int,
        epoch: int,
        indices: Sequence[int] | np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """MixUp or CutMix of each pair of neighbours: positions 2j and 2j + 1; a last odd image stays.

        Both images of a pair use one lambda and one box, so that a shard with an even number of images mixes
        as the whole batch would.

        Args:
            images: float32 (b, H, W, C), any range; left as it is.
            labels: float32 (b, classes), each row summing to 1; left as it is.
            seed, epoch: key of the draws.
            indices: (b,) each image's number in its split.

        Returns:
            New arrays of the same shapes and dtypes.
        """
        images, labels = np.array(images, dtype=np.float32), np.array(labels, dtype=np.float32)
        pairs = len(images) // 2
        if not self.mixes or not pairs:
            return images, labels
        height, width = images.shape[1:3]
        keys = np.asarray(indices)[: 2 * pairs].reshape(pairs, 2)
        mixed, which, lambda_draw, centre_y, centre_x = uniforms(seed, epoch, keys, _MIX, 5).T
        cuts = which < (0.5 if self.mixup > 0 and self.cutmix > 0 else float(self.cutmix > 0))
        weights = np.ones(pairs)  # of the image's own label
        for pair in np.flatnonzero(mixed < self.mix_probability):
            first, second = 2 * pair, 2 * pair + 1
            if cuts[pair]:
                side = np.sqrt(1.0 - _beta(lambda_draw[pair], self.cutmix))
                top, bottom = _span(centre_y[pair], side, height)
                left, right = _span(centre_x[pair], side, width)
                box = images[first, top:bottom, left:right].copy()
                images[first, top:bottom, left:right] = images[second, top:bottom, left:right]
                images[second, top:bottom, left:right] = box
                # The border cuts boxes off, so lambda is taken from what is left (as in the authors' code).
                weights[pair] = 1.0 - (bottom - top) * (right - left) / (height * width)
            else:
                weights[pair] = _beta(lambda_draw[pair], self.mixup)
                share = np.float32(1.0 - weights[pair])
                difference = (images[second] - images[first]) * share
                images[first] += difference
                images[second] -= difference
        first_labels, second_labels = labels[0 : 2 * pairs : 2], labels[1 : 2 * pairs : 2]
        change = (second_labels - first_labels) * (1.0 - weights)[:, None].astype(np.float32)
        labels[0 : 2 * pairs : 2] = first_labels + change
        labels[1 : 2 * pairs : 2] = second_labels - change
        return images, labels

    def _erase(self, images: np.ndarray, seed: int, epoch: int, indices: np.ndarray) -> None:
        height, width, channels = images.shape[1:]
        apply, area_draw, aspect_draw, top_draw, left_draw = uniforms(seed, epoch, indices, _ERASE, 5).T
        least, greatest = self.erasing_area
        area = (least + (greatest - least) * area_draw) * height * width
        aspect = 0.3 * (1.0 / 0.09) ** aspect_draw  # 0.3 to 1 / 0.3, log-uniform
        # The paper draws again when a box does not fit; cutting its long side needs no second draw.
        box_height = np.clip(np.rint(np.sqrt(area * aspect)), 1, height).astype(np.int64)
        box_width = np.clip(np.rint(np.sqrt(area / aspect)), 1, width).astype(np.int64)
        tops = (top_draw * (height - box_height + 1)).astype(np.int64)
        lefts = (left_draw * (width - box_width + 1)).astype(np.int64)
        rows = np.flatnonzero(apply < self.random_erasing)
        if not len(rows):
            return
        sizes = box_height[rows] * box_width[rows] * channels
        noise = noise_bytes(seed, epoch, indices[rows], _ERASE_NOISE, int(sizes.max()))
        for row, size, pixels in zip(rows, sizes, noise, strict=True):
            top, left, bottom, right = (
                tops[row],
                lefts[row],
                tops[row] + box_height[row],
                lefts[row] + box_width[row],
            )
            images[row, top:bottom, left:right] = pixels[:size].reshape(bottom - top, right - left, channels)


def _zoom_box(height: int, width: int, sizes: tuple[float, float], draws: np.ndarray) -> Box:
    """See `Augmentation.zoom_crop`: whole pixels, which may lie outside the picture."""
    least, greatest = sizes
    size = least * (greatest / least) ** float(draws[0])
    aspect = (0.9 / 1.1) ** (float(draws[1]) - 0.5)
    tall = max(1, round(height / size * aspect**0.5))
    wide = max(1, round(width / size / aspect**0.5))
    # Negative where the box is larger than the picture, which then lies somewhere in it.
    top, left = round(float(draws[2]) * (height - tall)), round(float(draws[3]) * (width - wide))
    return top, left, tall, wide


def _beta(draw: float, alpha: float) -> float:
    """A Beta(alpha, alpha) number from a uniform one, by the inverse of its distribution function."""
    if alpha == 1.0:
        return float(draw)
    from scipy.special import betaincinv

    return float(betaincinv(alpha, alpha, draw))


def _span(centre: float, side: float, length: int) -> tuple[int, int]:
    """First and last + 1 pixel of CutMix's box on one axis: `side` of the length about a uniform centre."""
    middle, half = int(centre * length), int(side * length) // 2
    return max(middle - half, 0), min(middle + half, length)


def _check(correct: bool, name: str, expected: str, received: object) -> None:
    if not correct:
        raise UserError(expected, repr(received), "correct the augmentation", where=f"augmentation.{name}")
