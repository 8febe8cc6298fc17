"""The gate for Keras models of strangers: no code of theirs runs, nothing is larger than it says."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from tests.faults.faults import DAMAGES
from tformer_edge.errors import UserError
from tformer_keras.models import declared_sizes
from tformer_keras.models.declared_sizes import check_hdf5, check_zip
from tformer_keras.models.keras_file import read_keras_file
from tformer_keras.models.weights import fill


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keras") / "good.keras"
    inputs = keras.Input((4, 4, 3))
    keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs))).save(path)
    return path


def changed(path: Path, **entries: bytes) -> bytes:
    """The same zip with other entries: config, metadata, weights."""
    names = {"config": "config.json", "metadata": "metadata.json", "weights": "model.weights.h5"}
    new = {names[name]: content for name, content in entries.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as archive:
        for name in old.namelist():
            archive.writestr(name, new.get(name, old.read(name)))
    return packed.getvalue()


def test_a_good_file_is_read(good: Path) -> None:
    assert read_keras_file(good).count_params() == 48 * 2 + 2


@pytest.mark.parametrize("damage", sorted(set(DAMAGES) - {"zip bomb"}))
def test_damage_is_a_sentence(good: Path, damage: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.keras"
    path.write_bytes(DAMAGES[damage](good.read_bytes()))
    with pytest.raises(UserError):
        read_keras_file(path)


def test_every_cut_and_many_flips_end_in_a_model_or_a_sentence(good: Path, tmp_path: Path) -> None:
    data, path = good.read_bytes(), tmp_path / "bad.keras"
    random = np.random.default_rng(0)
    for number in range(60):
        bad = bytearray(data)
        if number % 3 == 0:
            del bad[int(random.integers(len(bad))) :]
        else:
            for place in random.integers(0, len(bad), 1 + number % 4):
                bad[place] ^= 1 << int(random.integers(8))
        path.write_bytes(bad)
        try:
            read_keras_file(path)
        except UserError as error:
            assert "expected" in str(error)


def test_a_zip_that_unpacks_to_more_than_it_is_is_refused(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.keras"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(80 << 20))
    path.write_bytes(packed.getvalue())
    with pytest.raises(UserError, match="as large as it says, received model.weights.h5"):
        check_zip(path)
    monkeypatch.setattr(declared_sizes, "MAX_JSON_BYTES", 10)
    with pytest.raises(UserError, match="received .*json"):
        check_zip(good)


def test_arrays_larger_than_their_file_and_links_are_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.h5"
    elsewhere.write_bytes(b"x" * 100)

    def sparse(file: h5py.File) -> None:
        file.create_dataset("a", shape=(1 << 40,), chunks=(1024,), dtype="f4")

    def linked(file: h5py.File) -> None:
        file["a"] = h5py.ExternalLink(str(elsewhere), "/x")

    def soft(file: h5py.File) -> None:
        file["a"] = h5py.SoftLink("/b")

    def outside(file: h5py.File) -> None:
        file.create_dataset("a", shape=(10,), dtype="u1", external=[(str(elsewhere), 0, 10)])

    for number, make in enumerate((sparse, linked, soft, outside)):
        path = tmp_path / f"{number}.weights.h5"
        with h5py.File(path, "w") as file:
            make(file)
        with pytest.raises(UserError, match="as large as it says"):
            check_hdf5(path, path, path.stat().st_size)
        with pytest.raises(UserError):
            fill(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), str(path))


def test_no_code_of_a_file_runs(good: Path, tmp_path: Path) -> None:
    """Keras' safe mode is what holds this: a release of Keras that lets go of it fails here."""
    witness = tmp_path / "ran"
    config = json.loads(zipfile.ZipFile(good).read("config.json"))
    layer = config["config"]["layers"][1]
    attempts = []
    for module, name, inside in (
        (
            "keras.layers",
            "Lambda",
            {"name": "x", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA"}}},
        ),
        ("os", "system", {"command": f"touch {witness}"}),
        ("builtins", "exec", {"source": f"open({str(witness)!r}, 'w')"}),
        ("subprocess", "Popen", {"args": ["touch", str(witness)]}),
        ("keras.utils", "get_file", {"origin": f"file://{good}"}),
    ):
        attempts.append(
            {**layer, "module": module, "class_name": name, "config": inside, "registered_name": None}
        )
    for attempt in attempts:
        hostile = json.loads(json.dumps(config))
        hostile["config"]["layers"][1] = attempt
        path = tmp_path / "hostile.keras"
        path.write_bytes(changed(good, config=json.dumps(hostile).encode()))
        with pytest.raises(UserError):
            read_keras_file(path)
        assert not witness.exists()


def test_pickled_arrays_stay_shut(good: Path, tmp_path: Path) -> None:
    witness = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return (open, (str(witness), "w"))

    packed = io.BytesIO()
    np.save(packed, np.array([Hostile()], dtype=object), allow_pickle=True)
    path = tmp_path / "pickled.keras"
    path.write_bytes(changed(good, weights=packed.getvalue()))
    with pytest.raises(UserError):
        read_keras_file(path)
    from tformer_keras.deploy.int8.quantized_file import read_arrays

    arrays = tmp_path / "quantized.npz"
    with zipfile.ZipFile(arrays, "w") as archive:
        archive.writestr("options.npy", packed.getvalue())
    with pytest.raises(UserError):
        read_arrays(arrays)
    assert not witness.exists()
