"""A thousand mutations of model files, and proofs that the judge would see a broken promise."""

import json

import pytest

from tests.fuzz import model_files
from tests.fuzz.judge import judge, rules
from tests.fuzz.mutations import BEHIND, ISOLATED, PLAN, REGIONS, SIGNED, Mutated, make
from tformer_edge import archive, contract, process_runner
from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError


def test_a_thousand_mutations_end_in_a_refusal_or_a_right_answer(fuzz_folder, capsys):
    code = model_files.run(1000, 1, fuzz_folder)
    with capsys.disabled():
        print("\n" + capsys.readouterr().out)
    assert code == 0
    results = [
        one for path in sorted(fuzz_folder.glob("seed-1-*/*.json")) for one in json.loads(path.read_text())
    ]
    assert [one["number"] for one in results] == list(range(1000))
    assert {one["region"] for one in results} == set(REGIONS)
    # Mutations that all end at the first check would prove little.
    assert len({one["outcome"] for one in results} & rules()) >= 20
    kept = [one for one in results if one["region"] == BEHIND]
    assert kept and not any(one["accepted"] for one in kept)
    isolated = [one for one in results if one["region"] in ISOLATED]
    assert any(one["accepted"] for one in isolated) and any(not one["accepted"] for one in isolated)


def test_mutations_are_the_same_each_time_and_never_the_good_file(seeds):
    for number in range(400):
        one, again = make(number, 0, seeds), make(number, 0, seeds)
        assert one == again and one.region == PLAN[number % len(PLAN)]
        assert one.data not in {seed.data for seed in seeds}
    assert make(0, 1, seeds).data != make(0, 0, seeds).data


def test_the_parts_of_a_seed_file_are_where_the_layout_says(seeds):
    for seed in seeds:
        spans = sorted(span for spans in seed.spans().values() for span in spans)
        assert [begin for begin, _ in spans] == [0, *(end for _, end in spans[:-1])]
        assert spans[-1][1] == len(seed.data) and seed.sealed({}) == seed.data
        assert read_model_file(seed.signed({"labels.txt": b"a\nb\nc\n"})).labels == ("a", "b", "c")


def first(region, seeds, wanted):
    """The first mutation of a region whose outcome is `wanted`."""
    for number in range(2000):
        if PLAN[number % len(PLAN)] == region:
            mutated = make(number, 0, seeds)
            if judge(mutated).outcome == wanted:
                return mutated
    raise AssertionError(f"no mutation of {region} ends in {wanted}")


@pytest.mark.parametrize("part", ["flatbuffer", "labels", "golden"])
def test_the_judge_sees_a_digest_that_is_not_checked(seeds, monkeypatch, part):
    seed = seeds[0]
    data, region = {
        "flatbuffer": (seed.sealed({}, seed.flatbuffer[:-1] + b"?"), BEHIND),
        "labels": (seed.sealed({"labels.txt": b"dawn\nlight\nother\n"}), "labels"),
        "golden": (seed.sealed({"golden/0.out": b"123"}), "golden"),
    }[part]
    mutated = Mutated(0, region, 0, data)
    assert judge(mutated).outcome == f"{part}-sha256" and judge(mutated).violation is None
    monkeypatch.setattr(contract, "_check_sha256", lambda *_: None)
    assert judge(mutated).violation == "accepted with a wrong SHA-256"


def test_the_judge_sees_a_crc_that_is_not_checked(seeds, monkeypatch):
    mutated = first("golden", seeds, "zip-crc")
    monkeypatch.setattr(archive, "_read_entry", _read_without_crc)
    monkeypatch.setattr(contract, "_check_sha256", lambda *_: None)
    assert judge(mutated).violation == "accepted with a wrong CRC-32"


def _read_without_crc(data, name, crc, size, offset):
    at = offset + archive.LOCAL_BYTES + len(name)
    return data[at : at + size]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("x"), "raised KeyError"),
        (RecursionError(), "raised RecursionError"),
        (
            UserError.relayed("two\nlines"),
            "raised UserError",
        ),  # a reader raises Refusal, which names its rule
    ],
)
def test_the_judge_sees_another_exception(seeds, monkeypatch, error, words):
    def read(_):
        raise error

    monkeypatch.setattr("tests.fuzz.judge.read_model_file", read)
    assert words in judge(make(0, 0, seeds)).violation


def test_the_judge_sees_a_process_left_behind(seeds, monkeypatch):
    good = Mutated(0, SIGNED, 0, seeds[0].data)
    assert judge(good).outcome == "answered, self-test passed"
    runners = []
    real = process_runner.ProcessRunner.close
    monkeypatch.setattr(process_runner.ProcessRunner, "close", lambda self: runners.append(self))
    assert judge(good).violation == "left its process behind"
    real(runners[0])


def test_a_caller_that_crashes_is_a_violation_of_one_mutation(fuzz_folder, monkeypatch):
    monkeypatch.setattr(model_files, "ROOT", fuzz_folder)  # where the worker is no module
    monkeypatch.delenv("PYTHONPATH", raising=False)
    results = model_files.run_batch(fuzz_folder / "seeds", 0, 7, 2)
    assert [one["number"] for one in results] == [7, 8]
    assert all("ended the caller with code 1" in one["violation"] for one in results)


def test_a_stopped_run_goes_on_where_it_was(fuzz_folder, monkeypatch, capsys):
    ran = []

    def batch(seeds, seed, first, count):
        ran.append(first)
        if first == 200 and len(ran) == 3:
            raise KeyboardInterrupt
        return [
            {"number": n, "region": "JSON", "outcome": "json-text", "accepted": False, "violation": None, "grown": 0}
            for n in range(first, first + count)
        ]  # fmt: skip

    monkeypatch.setattr(model_files, "run_batch", batch)
    with pytest.raises(KeyboardInterrupt):
        model_files.run(350, 9, fuzz_folder)
    assert model_files.run(350, 9, fuzz_folder) == 0
    assert ran == [0, 100, 200, 200, 300]
    out = capsys.readouterr().out
    assert "350 mutations, 0 violations" in out and "json-text 350" in out


def test_one_mutation_again_by_its_number(fuzz_folder, seeds, tmp_path, capsys):
    arguments = ["--only", "12", "--folder", str(fuzz_folder), "--out", str(tmp_path / "x.tflite")]
    assert model_files.main(arguments) == 0
    assert (tmp_path / "x.tflite").read_bytes() == make(12, 0, seeds).data
    assert f"mutation 12, {PLAN[12]}: " in capsys.readouterr().out
