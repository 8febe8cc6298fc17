"""Literals say their numbers and texts exactly."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tformer_keras.deploy.micro.cpp_literals import double, doubles, float32, floats, integers, text


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=30))
def test_a_literal_is_plain_ascii_and_its_bytes(value):
    literal = text(value)
    assert literal[0] == literal[-1] == '"' and "?" not in literal
    body = literal[1:-1]
    assert re.fullmatch(r"([ !#-\[\]-~]|\\[0-7]{3})*", body)
    decoded = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), body.encode("ascii"))
    assert decoded == value.encode()


@given(st.floats(min_value=2**-100, max_value=2**100, width=32))
def test_a_float_literal_is_exact(value):
    assert float32(value).endswith("f") and float.fromhex(float32(value)[:-1]) == np.float32(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_literal_is_exact(value):
    assert float.fromhex(double(value)) == value


def test_arrays_are_lines_of_literals():
    assert integers(range(-1, 25)).splitlines() == [
        "    " + ", ".join(map(str, range(-1, 23))) + ",",
        "    23, 24,",
    ]
    assert doubles([0.5, 2]) == "    0x1.0000000000000p-1, 0x1.0000000000000p+1,"
    assert floats(np.ones(7)).count("\n") == 1 and floats([1]).strip() == "0x1.0000000000000p+0f,"
