"""Copies: apply(base, make(base, target)) is the target, and nothing else ever comes out."""

import hashlib
import lzma
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tformer_edge.update.copies import HEADER, LEAST, MAGIC, apply_copies, make_copies
from tformer_edge.update.packed_streams import pack
from tformer_edge.update.update_state import UpdateFailure, UpdateState

RANDOM = np.random.default_rng(1)
BASE = RANDOM.integers(0, 256, 5000, dtype=np.uint8).tobytes()
# Parts of the base in another order, with bytes between them that it has not.
TARGET = BASE[2000:2900] + b"new" + BASE[100:700] + bytes(90) + BASE[4000:]


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_any_two_files(base, target):
    assert apply_copies(base, make_copies(base, target), len(target)) == target


@given(st.lists(st.tuples(st.integers(0, 4900), st.integers(0, 300), st.binary(max_size=20)), max_size=8))
def test_any_parts_of_the_base_and_others(parts):
    target = b"".join(BASE[start : start + count] + new for start, count, new in parts)
    assert apply_copies(BASE, make_copies(BASE, target), len(target)) == target


@pytest.mark.parametrize("target", [b"", BASE, BASE * 3, BASE[:10], bytes(9000), BASE[::-1], TARGET])
def test_empty_equal_longer_shorter_and_other_layout(target):
    assert apply_copies(BASE, make_copies(BASE, target), len(target)) == target
    assert apply_copies(b"", make_copies(b"", target), len(target)) == target
    assert apply_copies(bytes(5000), make_copies(bytes(5000), target), len(target)) == target


def test_what_the_base_has_costs_next_to_nothing_wherever_it_lies():
    base = RANDOM.integers(0, 256, 400_000, dtype=np.uint8).tobytes()
    order = np.random.default_rng(3).permutation(40)
    target = b"".join(base[part * 10_000 : part * 10_000 + 9_000] + b"odd" for part in order)
    copies = make_copies(base, target)
    assert apply_copies(base, copies, len(target)) == target
    assert len(copies) < 1000 and len(target) == 40 * 9003


def test_numbers_that_differ_here_and_there_cost_their_own_bytes():
    base = RANDOM.integers(0, 256, 100_000, dtype=np.uint8)
    target = base.copy()
    target[::1000] += 1
    assert len(make_copies(base.tobytes(), target.tobytes())) < 100 * 10


def test_another_base():
    copies = make_copies(BASE, TARGET)
    for base in (b"", BASE[:-1], bytes([BASE[0] ^ 1]) + BASE[1:]):
        with pytest.raises(UpdateFailure, match="base") as error:
            apply_copies(base, copies, 9000)
        assert error.value.state is UpdateState.CORRUPT


def test_every_truncation_and_every_changed_byte_is_refused():
    copies = make_copies(BASE, TARGET)
    for place in range(len(copies)):
        with pytest.raises(UpdateFailure):
            apply_copies(BASE, copies[:place], len(TARGET))
    for place in [*range(HEADER.size), *range(HEADER.size, len(copies), 5)]:
        changed = copies[:place] + bytes([copies[place] ^ 0x41]) + copies[place + 1 :]
        try:  # the reserved bits of xz may change nothing
            assert apply_copies(BASE, changed, len(TARGET)) == TARGET
        except UpdateFailure as failure:
            assert failure.state is UpdateState.CORRUPT


def made(new, copied, moved, rest, target, length=None):
    """Copies as somebody with bad intentions writes them."""
    streams = [
        pack(np.array(new, "<u4").tobytes()), pack(np.array(copied, "<u4").tobytes()),
        pack(np.array(moved, "<i8").tobytes()), pack(rest),
    ]  # fmt: skip
    hashes = hashlib.sha256(BASE).digest(), hashlib.sha256(target).digest()
    length = len(target) if length is None else length
    return HEADER.pack(MAGIC, *hashes, length, len(new), len(rest), *map(len, streams)) + b"".join(streams)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1)),
        max_size=5,
    ),
    st.binary(max_size=50),
    st.integers(0, 2**20),
)
def test_any_numbers_are_refused_or_lead_to_the_target(operations, rest, length):
    new, copied, moved = zip(*operations, strict=True) if operations else ((), (), ())
    with pytest.raises(UpdateFailure):
        apply_copies(BASE, made(new, copied, moved, rest, b"another", length), 1 << 20)


@pytest.mark.parametrize("place", [-1, 4977, 5000, 1 << 40])
def test_a_copy_from_outside_the_base(place):
    with pytest.raises(UpdateFailure, match="within the base"):
        apply_copies(BASE, made([0], [LEAST], [place], b"", bytes(LEAST)), 100)
    good = made([0], [LEAST], [4976], b"", BASE[-LEAST:])
    assert apply_copies(BASE, good, 100) == BASE[-LEAST:]


def test_a_bomb_and_a_long_target_stop_within_bounds():
    bomb = lzma.compress(bytes(200 << 20))
    hashes = hashlib.sha256(BASE).digest(), hashlib.sha256(b"").digest()
    hostile = HEADER.pack(MAGIC, *hashes, 100, 1, 100, *(len(bomb),) * 4) + bomb * 4
    tracemalloc.start()
    try:
        with pytest.raises(UpdateFailure, match="stream"):
            apply_copies(BASE, hostile, 1000)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    with pytest.raises(UpdateFailure, match="at most 10 bytes"):
        apply_copies(BASE, make_copies(BASE, TARGET), 10)
