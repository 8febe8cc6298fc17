"""Text from outside (names of classes, files and models) in pictures, whatever letters it has."""

import functools

# Fonts with Chinese, Japanese and Korean letters, as systems name them; the first that is installed is used.
CJK_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "Yu Gothic",
    "Microsoft YaHei",
    "Droid Sans Fallback",
)


def plot_text(text: str) -> str:
    """`text` as matplotlib shows it letter by letter: no mathematics between dollar signs, no empty boxes.

    A letter that no font at hand has is written as its code point, such as <4E2D>, and so is what is no letter at all
    (control characters, bytes of a name that is not UTF-8).
    """
    known = _known_letters()
    shown = "".join(letter if ord(letter) in known else f"<{ord(letter):04X}>" for letter in text)
    return shown.replace("$", r"\$")


@functools.cache
def _known_letters() -> frozenset[int]:
    """The code points that matplotlib's default font, and an installed one with CJK letters, can draw.

    Both become matplotlib's fonts from here on, in this order.
    """
    import matplotlib
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    families = ["DejaVu Sans", *[name for name in CJK_FONTS if name in installed][:1]]
    matplotlib.rcParams["font.family"] = families
    points: set[int] = set()
    for family in families:
        points |= set(font_manager.get_font(font_manager.findfont(family)).get_charmap())
    return frozenset(point for point in points if chr(point).isprintable())
