"""Releases of detectors and segmenters on a device: proved by golden answers, fetched by deltas, opened and asked."""

import dataclasses

import numpy as np
import pytest

from tests.deploy.micro.scene_files import SIZE, pictures, scene_file
from tests.edge.update.repositories import Device, Site
from tformer_edge.cli import main as edge_main
from tformer_edge.contract import ModelFile, read_model_file, write_model_file
from tformer_edge.model import Model
from tformer_edge.update.model_check import check_model
from tformer_edge.update.update_state import UpdateFailure, UpdateState
from tformer_publish.publish_command import main as publish_main


def again(file: ModelFile, name: str, **changes: object) -> bytes:
    """The file under another name, its golden vectors changed."""
    assert file.contract is not None
    golden = [dataclasses.replace(one, **changes) for one in file.golden]
    records = tuple(dataclasses.replace(one, **changes) for one in file.contract.golden)
    contract = dataclasses.replace(file.contract, name=name, golden=records)
    return write_model_file(file.flatbuffer, contract, file.labels, golden)


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_from_a_release_to_what_a_program_sees(task, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TFORMER_PASSPHRASE", "one two three")
    data = scene_file(task)
    file = read_model_file(data)
    first, second, wrong = (tmp_path / f"{name}.tflite" for name in ("first", "second", "wrong"))
    first.write_bytes(data)
    second.write_bytes(again(file, "second"))
    # The outputs are right, what is read from them is not: found by the self-test alone.
    wrong.write_bytes(again(file, "wrong", answer_sha256="0" * 64))
    site = Site(tmp_path / "unused")  # serves the folder that the commands make
    folder, store = tmp_path / "site", tmp_path / "store"
    site.folder = folder
    where = ["--to", str(folder), "--keys", str(tmp_path / "keys")]
    assert publish_main(["init", *where]) == 0
    assert publish_main(["release", str(first), *where]) == 0
    root = str(folder / "metadata" / "1.root.json")
    update = ["update", site.url, "--store", str(store), "--root", root]
    assert edge_main(update) == 0 and "UPDATED: release 1" in capsys.readouterr().out
    assert publish_main(["release", str(second), *where]) == 0
    assert edge_main(update) == 0
    said = capsys.readouterr().out
    assert "UPDATED: release 2" in said and "bytes of delta" in said and "bytes of full" not in said
    device = Device(store, site)
    assert device.data() == second.read_bytes()
    picture = pictures(1)[0]
    with device.store.open(threads=1) as model, Model(data, threads=1) as expected:
        device.store.confirm()
        assert model.file.contract.task == task and model.file.contract.name == "second"
        answer, same = model.predict(picture), expected.predict(picture)
        if task == "detection":
            assert len(answer) > 0 and [one.box for one in answer] == [one.box for one in same]
        else:
            assert answer.class_map.shape == SIZE and np.array_equal(answer.class_map, same.class_map)
    with pytest.raises(UpdateFailure, match="golden"):
        check_model(wrong.read_bytes())
    assert publish_main(["release", str(wrong), *where]) == 1  # nor does the publisher sign it
    site.close()


def test_A11_a_detector_and_a_segmenter_in_one_repository(tmp_path):
    site = Site(tmp_path / "site")
    files = {task: scene_file(task) for task in ("detection", "segmentation")}
    site.release(files["detection"])
    detector = Device(tmp_path / "detector", site)
    assert detector.update().state is UpdateState.UPDATED
    site.release(files["segmentation"], allow_full=True)
    assert detector.update().state is UpdateState.UP_TO_DATE and detector.data() == files["detection"]
    newer = again(read_model_file(files["detection"]), "newer")
    site.release(newer)
    assert detector.update().state is UpdateState.UPDATED and detector.data() == newer
    site.close()
