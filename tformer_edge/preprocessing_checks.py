"""What a `Preprocessing` may say."""

import math
from typing import Any, Literal, get_args

from tformer_edge.errors import UserError
from tformer_edge.json_fields import is_number

Resize = Literal["stretch", "shorter", "letterbox"]
ChannelOrder = Literal["rgb", "grey"]
Encoding = Literal["normalised", "pixels"]

MAX_SIDE = 8192
DEFAULT_PAD = 114
CHOICES = {
    "resize": get_args(Resize),
    "channel_order": get_args(ChannelOrder),
    "encoding": get_args(Encoding),
}


def checked(settings: Any) -> dict[str, Any]:
    """The fields of a `Preprocessing` that are stored in another form than they were given in.

    Lists (from JSON) become tuples and integers floats, so that equal settings compare and hash equal.

    Raises UserError for a value out of range, and for two that do not go together.
    """
    for name, choices in CHOICES.items():
        value = getattr(settings, name)
        if value not in choices:
            raise UserError(f"one of {', '.join(choices)}", repr(value), "take one of them", where=name)
    sides = _size(settings.input_size)
    _crop(settings, sides)
    channels = 3 if settings.channel_order == "rgb" else 1
    pad = settings.pad_value
    if settings.resize != "letterbox" and pad is not None:
        raise UserError(
            "no pad_value", repr(pad), "leave it out, or take resize 'letterbox'", where="pad_value"
        )
    if settings.resize == "letterbox":
        pad = DEFAULT_PAD if pad is None else pad
        if type(pad) is not int or not 0 <= pad <= 255:
            raise UserError("an integer from 0 to 255", repr(pad), "114 is usual", where="pad_value")
    if settings.encoding == "pixels":
        means, stds = (0.0,) * channels, (1 / 255,) * channels
    else:
        means = _channels(settings.mean, channels, "mean", "from 0 to 1", 0, 1)
        stds = _channels(settings.std, channels, "std", "from 1e-6 to 1e6", 1e-6, 1e6)
    return {
        "input_size": sides,
        "crop_fraction": float(settings.crop_fraction),
        "mean": means,
        "std": stds,
        "pad_value": pad,
    }


def covered(side: int, crop_fraction: float) -> int:
    """The side of which the crop keeps `side`."""
    return math.floor(side / crop_fraction + 0.5)


def _size(value: Any) -> tuple[int, int]:
    sides = _tuple_of(value, 2, "input_size", "(height, width) of two integers")
    if not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise UserError(f"two integers from 1 to {MAX_SIDE}", repr(value), "correct it", where="input_size")
    return sides[0], sides[1]


def _crop(settings: Any, sides: tuple[int, int]) -> None:
    fraction = settings.crop_fraction
    if not is_number(fraction) or not 0 < fraction <= 1:
        raise UserError("over 0 and up to 1", repr(fraction), "correct it", where="crop_fraction")
    if settings.resize != "shorter" and fraction != 1:
        raise UserError(
            f"1 with resize '{settings.resize}', which never crops",
            repr(fraction),
            "leave it out, or take resize 'shorter'",
            where="crop_fraction",
        )
    # As docs/contract.md rounds it; a quotient by a number near 0 is infinite, and not less.
    if not max(sides) / fraction + 0.5 < 4 * MAX_SIDE + 1:
        raise UserError(
            f"input_size / crop_fraction up to {4 * MAX_SIDE}",
            f"{settings.input_size!r} / {fraction!r}",
            "take a smaller input, or crop less",
        )


def _channels(
    value: Any, channels: int, name: str, where: str, least: float, greatest: float
) -> tuple[float, ...]:
    what = f"{'three numbers' if channels == 3 else 'one number'} {where}"
    values = _tuple_of(value, channels, name, what)
    if not all(is_number(one) and least <= one <= greatest for one in values):
        raise UserError(what, repr(value), "correct it", where=name)
    return tuple(map(float, values))


def _tuple_of(value: Any, length: int, name: str, what: str) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)) or len(value) != length:
        raise UserError(what, repr(value), "correct it", where=name)
    return tuple(value)
