"""Checkpoints: what is written comes back, damage falls back to the one before, and nothing half-written counts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tformer_edge.errors import UserError
from tformer_keras.training.checkpoint import load_checkpoint, save_checkpoint

DTYPES = st.sampled_from([np.float32, np.int32, np.int64, np.uint32])


def values(number: int) -> dict[str, np.ndarray]:
    return {
        "model/0000/kernel": np.full((3, 4), number, np.float32),
        "optimizer/0000/iteration": np.int64(number),
    }  # type: ignore[dict-item]


@given(
    DTYPES.flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, max_side=3))
    )
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, 1, {"model/0000/a b": array}, {"epoch": 2, "history": [{"loss": 0.25}]})
    loaded = load_checkpoint(folder, pytest.fail)
    assert loaded is not None and loaded.state == {"epoch": 2, "history": [{"loss": 0.25}]}
    received = loaded.arrays["model/0000/a b"]
    assert (
        received.dtype == array.dtype
        and received.tobytes() == array.tobytes()
        and received.shape == array.shape
    )


def test_none_without_checkpoints(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "missing", pytest.fail) is None


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-00000001-step-000000000.npz").write_bytes(b"of a run that was killed")
    for number in range(5):
        save_checkpoint(tmp_path, number, values(number), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000003.npz", "step-000000004.npz"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "garbage"])
def test_damage_falls_back_to_the_one_before_and_says_so(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, 1, values(1), {"epoch": 1})
    path = save_checkpoint(tmp_path, 2, values(2), {"epoch": 2})
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(np.full(12, 2, np.float32).tobytes()) + 7] ^= 1
    replacement = {"truncated": content[: len(content) // 2], "empty": b"", "garbage": b"x" * 99}
    path.write_bytes(replacement.get(damage, content))
    said: list[str] = []
    loaded = load_checkpoint(tmp_path, said.append)
    assert loaded is not None and loaded.state == {"epoch": 1}
    np.testing.assert_array_equal(loaded.arrays["model/0000/kernel"], values(1)["model/0000/kernel"])
    assert len(said) == 1 and str(path) in said[0] and "is damaged" in said[0]


def test_every_flipped_bit_is_seen(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, values(1), {"epoch": 1})
    path = save_checkpoint(tmp_path, 2, values(2), {"epoch": 2})
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        loaded = load_checkpoint(tmp_path, lambda text: None)
        assert loaded is not None and loaded.state == {"epoch": 1}
    for length in range(0, len(content), 41):
        path.write_bytes(content[:length])
        loaded = load_checkpoint(tmp_path, lambda text: None)
        assert loaded is not None and loaded.state == {"epoch": 1}


def test_all_damaged_is_an_error(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, values(1), {}).write_bytes(b"")
    with pytest.raises(UserError, match="expected a readable checkpoint"):
        load_checkpoint(tmp_path, lambda text: None)


def test_a_half_written_file_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, 1, values(1), {"epoch": 1})

    def killed(descriptor: int) -> None:
        raise SystemExit

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(SystemExit):
        save_checkpoint(tmp_path, 2, values(2), {"epoch": 2})
    loaded = load_checkpoint(tmp_path, pytest.fail)
    assert loaded is not None and loaded.state == {"epoch": 1}
