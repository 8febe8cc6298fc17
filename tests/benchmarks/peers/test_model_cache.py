"""The cache of the tables' converted files."""

import pytest

from benchmarks.peers import model_cache
from benchmarks.peers.model_cache import cache_key, kinds_of, model_file, peer_of
from tformer_edge.errors import UserError


class Maker:
    """Stands in for a conversion, and counts how often it is asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, name, kind, path):
        self.calls.append((name, kind))
        path.write_bytes(f"{name} {kind} {len(self.calls)}".encode())


def test_a_file_is_converted_once(tmp_path):
    make = Maker()
    first = model_file("resnet18", "int8", tmp_path, lambda *_: "a", make)
    again = model_file("resnet18", "int8", tmp_path, lambda *_: "a", make)
    other = model_file("resnet18", "float", tmp_path, lambda *_: "a", make)
    assert first == again != other and make.calls == [("resnet18", "int8"), ("resnet18", "float")]


def test_a_change_of_what_made_a_file_makes_a_new_one_in_its_place(tmp_path):
    make = Maker()
    old = model_file("resnet18", "int8", tmp_path, lambda *_: "a", make)
    neighbour = model_file("resnet18", "float", tmp_path, lambda *_: "a", make)
    new = model_file("resnet18", "int8", tmp_path, lambda *_: "b", make)
    assert sorted(tmp_path.iterdir()) == sorted([neighbour, new]) and not old.exists()
    assert new.read_bytes() == b"resnet18 int8 3"


def test_a_conversion_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    old = model_file("resnet18", "int8", tmp_path, lambda *_: "a", Maker())

    def fail(name, kind, path):
        raise UserError("a", "b", "c")

    with pytest.raises(UserError):
        model_file("resnet18", "int8", tmp_path, lambda *_: "b", fail)
    assert list(tmp_path.iterdir()) == [old]


def test_the_key_follows_sources_versions_name_and_kind(monkeypatch, tmp_path):
    (tmp_path / "tformer_keras" / "models").mkdir(parents=True)
    source = tmp_path / "tformer_keras" / "models" / "resnet.py"
    source.write_text("a")
    monkeypatch.setattr(model_cache, "ROOT", tmp_path)
    keys = [cache_key("resnet18", "int8"), cache_key("resnet18", "float")]
    keys.append(cache_key("resnet50", "int8"))
    source.write_text("b")
    keys.append(cache_key("resnet18", "int8"))
    monkeypatch.setattr(model_cache, "versions", lambda: {"tensorflow": "9"})
    keys.append(cache_key("resnet18", "int8"))
    assert len(set(keys)) == 5 and keys[-1] == cache_key("resnet18", "int8")


def test_deploy_is_part_of_the_key_of_what_it_converts(monkeypatch, tmp_path):
    (tmp_path / "tformer_keras" / "deploy").mkdir(parents=True)
    monkeypatch.setattr(model_cache, "ROOT", tmp_path)
    before = [cache_key(name, "int8") for name in ("tformer_s", "mobilenet_v3_large")]
    (tmp_path / "tformer_keras" / "deploy" / "lower.py").write_text("new")
    after = [cache_key(name, "int8") for name in ("tformer_s", "mobilenet_v3_large")]
    assert before[0] != after[0] and before[1] == after[1]


@pytest.mark.parametrize("name,kind", [("resnet19", "int8"), ("resnet18", "int4")])
def test_unknown_models_are_refused(name, kind, tmp_path):
    with pytest.raises(UserError, match=f"received '{name}' and '{kind}'"):
        model_file(name, kind, tmp_path)


def test_the_paper_s_models_have_files_whose_key_follows_their_architectures(monkeypatch, tmp_path):
    before = {name: cache_key(name, "int8") for name in ("classifier_deit_s", "resnet18")}
    monkeypatch.setattr(model_cache, "ARCHITECTURES", model_cache.ARCHITECTURES[1:])
    after = {name: cache_key(name, "int8") for name in before}
    assert (
        before["resnet18"] == after["resnet18"] and before["classifier_deit_s"] != after["classifier_deit_s"]
    )
    assert kinds_of("semantic_fpn_pvt_tiny") == ("int8", "fp16", "float") and kinds_of("nobody") == ()


def test_every_architecture_is_part_of_the_key():
    there = {path.name for path in model_cache.Path(model_cache.__file__).parent.glob("*.py")}
    others = {
        "__init__.py", "__main__.py", "conversion.py", "convert_peer.py", "counted_tables.py", "int8_error.py",
        "latency_peers.py",
        "model_arguments.py", "model_cache.py", "paper_tables.py", "peer.py", "random_weights.py",
    }  # fmt: skip
    assert there - others == set(model_cache.ARCHITECTURES)


def test_tformer_is_converted_here_and_its_peers_by_tensorflow():
    assert peer_of("retinanet_tformer_s").converter == "tformer"
    assert {peer_of(name).converter for name in ("retinanet_resnet18", "classifier_poolformer_s24")} == {
        "tensorflow"
    }
