"""The tasks that this version answers are the same on the device, on the server, on phones and in the document."""

import re
from pathlib import Path

import pytest

from tformer_edge.errors import UserError
from tformer_edge.tasks import OPTIONS, find_task

ROOT = Path(__file__).parents[3]


def test_everybody_answers_the_same_tasks() -> None:
    from tformer_keras.tasks import TASKS

    names = list(OPTIONS)
    assert list(TASKS) == names == [find_task(name).name for name in names]
    contract = (ROOT / "docs" / "contract.md").read_text("utf-8")
    (listed,) = re.findall(r"answer these tasks: ([^.]+)\.", contract)
    assert re.findall(r"`(\w+)`", listed) == names
    kotlin = (ROOT / "android_demo/app/src/main/kotlin/org/tformer/demo/tasks/Task.kt").read_text("utf-8")
    (table,) = re.findall(r"byName: Map<String, Task> = mapOf\((.*?)\)\n", kotlin, re.DOTALL)
    assert [name.lower() for name in re.findall(r"Contract\.(\w+) to", table)] == names
    page = (ROOT / "web/contract/contract.js").read_text("utf-8")
    (of_the_page,) = re.findall(r"document\.oneOf\('task', \[([^]]+)\]\)", page)
    assert re.findall(r"'(\w+)'", of_the_page) == names
    assert "The Android app and the browser's page answer them too." in contract


def test_another_task_is_refused_in_one_sentence() -> None:
    with pytest.raises(
        UserError,
        match="expected a model for classification or detection or segmentation, received one for pose; run",
    ):
        find_task("pose")
