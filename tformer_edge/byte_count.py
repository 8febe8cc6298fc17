"""Numbers of bytes as users type them."""

from tformer_edge.errors import UserError

UNITS = {"": 1, "b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2}


def byte_count(text: str, option: str) -> int:
    """The bytes that a text such as 450000, 450kB or 440KiB means. Raises UserError, naming the option, for others."""
    number = text.rstrip("bBiIkKmM")
    unit = text[len(number) :].lower()
    if unit not in UNITS or not number.isdecimal():
        raise UserError(
            "a number of bytes such as 450000, 450kB or 440KiB",
            repr(text),
            "write one of these",
            where=option,
        )
    return int(number) * UNITS[unit]
