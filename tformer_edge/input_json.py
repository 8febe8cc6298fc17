"""How `model.json` says what an image becomes: `input`, in both formats."""

from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.json_fields import get, integer, one_of, wrong
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.preprocessing_checks import Encoding, Resize
from tformer_edge.refusal import Refusal

FIRST_KEYS = ("channel_order", "mean", "std", "resize", "crop_fraction")
FIRST_RESIZES = ("shorter", "stretch")


def needs_later_format(image: Preprocessing) -> bool:
    """Whether format 1 cannot say it."""
    return image.channels != 3 or image.encoding != "normalised" or image.resize not in FIRST_RESIZES


def input_json(image: Preprocessing, version: int, batch: int, kind: str) -> dict[str, Any]:
    """`input` of a contract in format `version`; `kind` is the tensor's type."""
    settings = image.to_json()
    height, width = settings.pop("input_size")
    if version > 1:
        settings["encoding"] = image.encoding
    if image.encoding == "pixels":
        del settings["mean"], settings["std"]
    border = {"batch": batch, "height": height, "width": width, "channels": image.channels, "type": kind}
    return border | settings


def parse_input(given: dict[str, Any], version: int) -> Preprocessing:
    """Reads it. Raises Refusal for what docs/contract.md refuses."""
    settings = {
        name: get(given, name, (str, int, float, list), "input.") for name in ("channel_order", "resize")
    }
    settings["crop_fraction"] = get(given, "crop_fraction", (int, float), "input.")
    if version == 1:
        integer(get(given, "channels", int, "input."), "input.channels", 3, 3)
        if settings["resize"] not in FIRST_RESIZES:
            raise wrong("input.resize", f"one of {', '.join(FIRST_RESIZES)}", settings["resize"])
        if settings["channel_order"] != "rgb":
            raise wrong("input.channel_order", "rgb", settings["channel_order"])
    else:
        channels = 1 if settings["channel_order"] == "grey" else 3
        integer(get(given, "channels", int, "input."), "input.channels", channels, channels)
        one_of(settings["resize"], Resize, "input.resize")
        settings["encoding"] = get(given, "encoding", str, "input.")
        one_of(settings["encoding"], Encoding, "input.encoding")
        if settings["resize"] == "letterbox":
            settings["pad_value"] = get(given, "pad_value", int, "input.")
    if settings.get("encoding") != "pixels":
        settings |= {name: get(given, name, list, "input.") for name in ("mean", "std")}
    size = tuple(get(given, side, int, "input.") for side in ("height", "width"))
    try:
        return Preprocessing(input_size=size, **settings)  # type: ignore[arg-type]  # it checks its arguments
    except UserError as error:
        reason = str(error).rstrip(".")[:200]
        raise Refusal("contract-field", "an input that can be prepared", f"'{reason}'") from None
