"""Deltas: apply(base, make(base, target)) is the target, and nothing else ever comes out."""

import hashlib
import lzma
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tformer_edge.update.delta import HEADER, MAGIC, PIECE, apply_delta, base_of, make_delta
from tformer_edge.update.update_state import UpdateFailure, UpdateState

RANDOM = np.random.default_rng(1)
BASE = RANDOM.integers(0, 256, 3000, dtype=np.uint8).tobytes()


def changed(share):
    data = np.frombuffer(BASE, np.uint8).copy()
    where = np.random.default_rng(2).random(len(data)) < share
    data[where] += 1
    return data.tobytes()


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_D3_any_two_files(base, target):
    assert apply_delta(base, make_delta(base, target), len(target)) == target


@given(
    st.binary(min_size=700, max_size=1500),
    st.dictionaries(st.integers(0, 699), st.integers(0, 255), max_size=5),
)
def test_D3_few_changes_far_apart(base, changes):
    target = bytearray(base)
    for place, value in changes.items():
        target[place] = value
    assert apply_delta(base, make_delta(base, bytes(target)), len(target)) == bytes(target)


@pytest.mark.parametrize(
    "target", [b"", BASE, BASE + b"x" * 500, BASE[:100], BASE[700:] + BASE[:700], bytes(9000)]
)
def test_D3_empty_equal_longer_shorter_and_other_layout(target):
    assert apply_delta(BASE, make_delta(BASE, target), len(target)) == target
    assert apply_delta(b"", make_delta(b"", target), len(target)) == target


@pytest.mark.parametrize("gap", [0, 1, 253, 254, 255, 256, 257, 70000])
def test_gaps_about_the_escape(gap):
    target = bytearray(80000)
    target[3] = target[4 + gap] = 7
    assert apply_delta(bytes(80000), make_delta(bytes(80000), bytes(target)), 80000) == bytes(target)


def test_few_changes_make_a_small_delta():
    base = RANDOM.integers(0, 256, 400_000, dtype=np.uint8)
    target = base.copy()
    target[RANDOM.choice(400_000, 4000, replace=False)] += 1
    assert len(make_delta(base.tobytes(), target.tobytes())) < 0.02 * 400_000


@pytest.mark.parametrize("change", [7, -7])
def test_one_place_of_another_length_costs_its_own_bytes(change):
    base = RANDOM.integers(0, 256, 100_000, dtype=np.uint8).tobytes()
    middle = b"x" * change if change > 0 else b""
    target = base[:60_000] + middle + base[60_000 - min(change, 0) :]
    delta = make_delta(base, target)
    assert apply_delta(base, delta, len(target)) == target
    assert len(delta) < 400


@pytest.mark.parametrize("share", [0, 0.02, 0.5])
def test_places_of_other_lengths_cost_their_own_bytes(share):
    """As of a file whose metadata, zip and contract name another run: what lies between them has moved as a whole."""
    parts = [RANDOM.integers(0, 256, size, dtype=np.uint8).tobytes() for size in (900, 90_000, 5_000, 300)]
    base = b"mine".join(parts)
    target = bytearray(b"a longer name".join(parts[:2]) + b"x" + b"".join(parts[2:]))
    weights = np.flatnonzero(np.random.default_rng(3).random(80_000) < share) + 2_000
    for place in weights:
        target[place] = (target[place] + 1) % 256
    delta = make_delta(base, bytes(target))
    assert apply_delta(base, delta, len(target)) == bytes(target)
    assert len(delta) < 500 + 1.9 * len(weights)


def test_D1_a_delta_for_another_base():
    delta = make_delta(BASE, changed(0.05))
    assert base_of(delta) == hashlib.sha256(BASE).hexdigest()
    for base in (b"", changed(0.5), BASE[:-1], bytes([BASE[0] ^ 1]) + BASE[1:]):
        with pytest.raises(UpdateFailure, match="base") as error:
            apply_delta(base, delta, 4000)
        assert error.value.state is UpdateState.CORRUPT


def test_a_target_longer_than_what_was_signed():
    with pytest.raises(UpdateFailure, match="at most 2999"):
        apply_delta(BASE, make_delta(BASE, changed(0.05)), 2999)


def test_D2_every_truncation():
    delta = make_delta(BASE, changed(0.02))
    for length in range(len(delta)):
        with pytest.raises(UpdateFailure):
            apply_delta(BASE, delta[:length], 4000)
    with pytest.raises(UpdateFailure):
        apply_delta(BASE, delta + b"\0", 4000)


def mutated(random, delta):
    data = bytearray(delta)
    for _ in range(random.integers(1, 4)):
        kind, place = random.integers(0, 4), int(random.integers(0, len(data)))
        if kind == 0:
            data[place] ^= 1 << int(random.integers(0, 8))
        elif kind == 1:
            data[place] = int(random.integers(0, 256))
        elif kind == 2:
            del data[place : place + int(random.integers(1, 9))]
        else:
            data[place:place] = random.bytes(int(random.integers(1, 9)))
    return bytes(data)


def survive_mutations(count, seed=0):
    """How many of `count` mutated deltas were refused; the others gave exactly the target."""
    random, target = np.random.default_rng(seed), changed(0.05)
    delta, refused = make_delta(BASE, target), 0
    for _ in range(count):
        try:
            assert apply_delta(BASE, mutated(random, delta), 4000) == target
        except UpdateFailure:
            refused += 1
    return refused


def test_D2_mutated_deltas_are_refused_or_give_the_target():
    assert survive_mutations(5000) > 4900


@settings(max_examples=100)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_D2_any_numbers_in_the_header(pieces, count, far):
    good = make_delta(BASE, changed(0.05))
    fields = list(HEADER.unpack_from(good))
    fields[4:7] = pieces, count, far
    try:
        assert apply_delta(BASE, HEADER.pack(*fields) + good[HEADER.size :], 4000) == changed(0.05)
    except UpdateFailure as error:
        assert error.state is UpdateState.CORRUPT


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=5)
    | st.lists(st.tuples(st.integers(0, 1500), st.integers(-4000, 4000)), max_size=5)
)
def test_D2_any_pieces(pieces):
    good = make_delta(BASE, changed(0.05))
    fields = list(HEADER.unpack_from(good))
    rest = good[HEADER.size + PIECE.size * fields[4] :]
    fields[4] = len(pieces)
    delta = HEADER.pack(*fields) + b"".join(PIECE.pack(*piece) for piece in pieces) + rest
    tracemalloc.start()
    try:
        assert apply_delta(BASE, delta, 4000) == changed(0.05)
    except UpdateFailure as error:
        assert error.state is UpdateState.CORRUPT
    finally:
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
        tracemalloc.stop()


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_D2_arbitrary_bytes_behind_a_right_header(body):
    header = HEADER.pack(MAGIC, hashlib.sha256(BASE).digest(), bytes(32), 3000, 1, 5, 1, len(body), 0, 0)
    header += PIECE.pack(3000, 0)
    with pytest.raises(UpdateFailure):
        apply_delta(BASE, header + body, 4000)


def test_A7_an_lzma_bomb_is_stopped_at_the_announced_length():
    bomb = lzma.compress(bytes(200 << 20), lzma.FORMAT_XZ, lzma.CHECK_NONE, preset=0)
    empty = lzma.compress(b"", lzma.FORMAT_XZ, lzma.CHECK_NONE)
    sizes = (len(bomb), len(empty), len(bomb))
    header = HEADER.pack(MAGIC, hashlib.sha256(BASE).digest(), bytes(32), 3000, 1, 1000, 0, *sizes)
    header += PIECE.pack(3000, 0)
    tracemalloc.start()
    try:
        with pytest.raises(UpdateFailure, match="stream of 1000 bytes"):
            apply_delta(BASE, header + bomb + empty + bomb, 4000)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_A7_a_stream_that_wants_a_large_dictionary():
    greedy = lzma.compress(bytes(1000), lzma.FORMAT_XZ, lzma.CHECK_NONE, preset=9)
    empty = lzma.compress(b"", lzma.FORMAT_XZ, lzma.CHECK_NONE)
    sizes = (len(greedy), len(empty), len(greedy))
    header = HEADER.pack(MAGIC, hashlib.sha256(BASE).digest(), bytes(32), 3000, 1, 1000, 0, *sizes)
    header += PIECE.pack(3000, 0)
    with pytest.raises(UpdateFailure, match="xz"):
        apply_delta(BASE, header + greedy + empty + greedy, 4000)
