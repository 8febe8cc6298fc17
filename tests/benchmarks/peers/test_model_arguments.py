"""Which models a command compares."""

import argparse

import pytest

from benchmarks.peers.model_arguments import add_model_arguments, chosen_files, label_of, names_of, ours_of
from tformer_edge.errors import UserError


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_model_arguments(parser, ("int8",))
    return parser.parse_args(arguments)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="which is none"):
        chosen_files([], ["int8"], [str(tmp_path / "absent.tflite")])


def test_files_alone_need_no_conversion(tmp_path):
    file = tmp_path / "a.tflite"
    file.write_bytes(b"x")
    assert chosen_files([], ["int8"], [str(file)]) == {(str(file), "file"): file}


def test_a_table_of_the_paper_takes_the_others_place():
    args = parsed("--paper", "7")
    names = names_of(args)
    assert len(names) == 12 and names[0] == "semantic_fpn_resnet18" and label_of(names[3]) == "PVT-Tiny"
    assert ours_of(args) == ("semantic_fpn_tformer_s", "int8") and ours_of(args)[0] in names
    assert names_of(parsed("--paper", "5", "--only", "classifier_deit_s")) == ["classifier_deit_s"]
    assert ours_of(parsed()) == ("tformer_s", "int8") and names_of(parsed()) is None


def test_tasks_have_sizes():
    assert "detector_s_paper" in names_of(parsed("--tasks"))
    sized = parsed("--tasks", "--size", "320", "512", "--only", "detector_s", "segmenter_s")
    assert names_of(sized) == ["detector_s", "segmenter_s_320", "detector_s_512", "segmenter_s_512"]


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["--paper", "5", "--tasks"], "expected one of --tasks and --paper, received both"),
        (["--size", "320"], "--size: expected --tasks with it, received no --tasks"),
        (["--paper", "5", "--files", "a.tflite"], "--paper: expected models of the table, received --files"),
        (["--paper", "5", "--only", "tformer_s"], "expected some of classifier_resnet18"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        names_of(parsed(*arguments))
