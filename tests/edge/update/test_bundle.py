"""Bundles: each capacity's own file comes out, to the byte, and of hostile bytes nothing but a sentence."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edge.update.repositories import made_model
from tformer_edge.errors import UserError
from tformer_edge.update.bundle import END, MAGIC, Bundle, is_bundle, make_bundle
from tformer_edge.update.update_state import UpdateFailure, UpdateState

RANDOM = np.random.default_rng(4)
SHARED = [RANDOM.integers(0, 256, 4000, dtype=np.uint8).tobytes() for _ in range(3)]
FILES = {
    "L": b"large" + SHARED[0] + b"1" + SHARED[1] + b"2" + SHARED[2],
    "M": b"middle" + SHARED[1] + SHARED[0] + bytes(30),
    "S": b"small" + SHARED[0],
}
WHOLE = make_bundle(FILES)


def test_every_capacity_comes_out_and_what_is_shared_is_stored_once():
    bundle = Bundle(WHOLE)
    assert bundle.names == ("L", "M", "S") and bundle.files() == FILES
    assert bundle.file("best") == FILES["L"] and bundle.file("fastest") == FILES["S"]
    assert WHOLE.startswith(FILES["L"]) and len(WHOLE) < len(FILES["L"]) + 2000
    assert make_bundle(FILES) == WHOLE


def test_a_capacity_that_shares_nothing_is_stored_whole():
    other = RANDOM.integers(0, 256, 3000, dtype=np.uint8).tobytes()
    bundle = Bundle(make_bundle({"a": FILES["L"], "b": other}))
    assert bundle.files() == {"a": FILES["L"], "b": other} and bundle.capacities[1].codec == ""


def test_a_model_file_is_a_bundle_of_one():
    data = made_model(0)
    assert not is_bundle(data)
    bundle = Bundle(data)
    assert bundle.files() == {"": data} and bundle.file("best") == bundle.file("fastest") == data
    with pytest.raises(UserError, match="one of best, fastest"):
        bundle.file("")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"best": b"x"},
        {"a/b": b"x"},
        {"": b"x"},
        {"a": b""},
        {"a": WHOLE},
        {str(n): b"x" for n in range(17)},
    ],
)
def test_what_cannot_be_bundled(files):
    with pytest.raises(UserError):
        make_bundle(files)


def test_another_name_is_told_the_names():
    with pytest.raises(UserError, match=r"capacity: expected one of L, M, S, best, fastest, received 'XL'"):
        Bundle(WHOLE).file("XL")


def described(**changes):
    """The bundle with another description."""
    size, _ = END.unpack(WHOLE[-END.size :])
    text = json.loads(WHOLE[-END.size - size : -END.size])
    rest = WHOLE[: -END.size - size]
    if "format" in changes:
        text["format"] = changes.pop("format")
    for name, (place, value) in changes.items():
        text["capacities"][place][name] = value
    data = json.dumps(text).encode()
    return rest + data + END.pack(len(data), MAGIC)


@pytest.mark.parametrize(
    "data",
    [
        MAGIC, END.pack(0, MAGIC), END.pack(1 << 60, MAGIC), b"x" * 99 + END.pack(5, MAGIC),
        described(format=2), described(format=True), described(name=(1, "L")), described(name=(1, "../x")),
        described(codec=(0, "copies")), described(codec=(1, "zip")), described(codec=(1, ["copies"])),
        described(stored=(1, -1)), described(stored=(1, 1 << 40)), described(stored=(1, 1.0)),
        described(stored=(2, 7)), described(length=(1, 0)), described(sha256=(1, "ab")), described(name=(0, "best")),
    ],
)  # fmt: skip
def test_hostile_descriptions_are_refused(data):
    with pytest.raises(UpdateFailure, match="bundle: expected") as error:
        Bundle(data)
    assert error.value.state is UpdateState.CORRUPT and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data", [described(sha256=(1, "0" * 64)), described(length=(1, 9)), described(codec=(1, ""))]
)
def test_a_file_that_is_not_the_named_one_is_refused(data):
    with pytest.raises(UpdateFailure) as error:
        Bundle(data).file("M")
    assert error.value.state is UpdateState.CORRUPT
    assert Bundle(data).file("L") == FILES["L"]


@settings(max_examples=150)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(place, change):
    data = bytearray(WHOLE)
    data[place] ^= change
    if not is_bundle(bytes(data)):
        return
    try:
        found = Bundle(bytes(data)).files()
    except UpdateFailure:
        return
    # What is bound by no hash of its own is a name, or whitespace of JSON.
    assert list(found.values()) == list(FILES.values())
