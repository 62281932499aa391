"""Tasks inserted into the text of params.yaml: every other line stays as it is."""

import pytest
import yaml
from conftest import ROOT

from hnn.core.errors import Refused
from hnn.params.insertion import quoted, with_task
from hnn.params.loading import parse_raw

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
SECTION = 'rig: # mine\n  source:\n    time: "t"\n    positions:\n      - "q"\n'
SMALL = "a: 1 # one\nrecorded_tasks: [] # mine\nb: 2\ntasks:\n  x:\n    y: 1 # last\n"


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.rstrip("\n"),
        TEXT + "\n# the end\n",
        SMALL,
        SMALL.replace("[] # mine", "[]"),
        SMALL.replace("[] # mine", "[x]"),
        SMALL.replace("[] # mine", "[x, z] # two"),
        SMALL.replace("[] # mine", "[x,\n  z]"),
        SMALL.replace("[] # mine", "# block\n  - x # one\n  - z # two"),
        SMALL.replace("[] # mine", "\n- x"),
        SMALL.replace("y: 1 # last", "y: {z: [1, 2]} # last"),
        SMALL.replace("y: 1 # last", "- 1\n    - - 2"),
        "tasks:\n    x: 1\nrecorded_tasks: []\nb: 2\n",
    ],
)
def test_with_task_inserts_lines_and_changes_none_but_that_of_the_list(text):
    after = with_task(text, "rig", SECTION)
    before, now = parse_raw(text, "params.yaml"), parse_raw(after, "params.yaml")
    assert now["recorded_tasks"] == [*before["recorded_tasks"], "rig"]
    assert now["tasks"] == before["tasks"] | {"rig": {"source": {"time": "t", "positions": ["q"]}}}
    old, new = text.splitlines(keepends=True), after.splitlines(keepends=True)
    lost = [line for line in old if line not in new]
    assert len(lost) <= 1 + (not text.endswith("\n"))
    assert ("\r\n" in text) == ("\r\n" in after)
    assert not [line for line in new if ("\r\n" in text) != line.endswith("\r\n")]
    assert after == with_task(text, "rig", SECTION)


@pytest.mark.parametrize("text", [TEXT, SMALL])
def test_with_task_inserts_one_task_after_another(text):
    once = with_task(text, "rig", SECTION)
    twice = with_task(once, "rig_2", SECTION.replace("rig", "rig_2"))
    assert parse_raw(twice, "params.yaml")["recorded_tasks"] == ["rig", "rig_2"]
    assert twice.replace("  - rig_2\n", "", 1).startswith(once)


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("recorded_tasks", "others"),
        SMALL.replace("[] # mine", "null"),
        SMALL.replace("\n  x:\n    y: 1 # last", " {x: 1}"),
        SMALL.replace("\n  x:\n    y: 1 # last", ""),
        SMALL + "    y: 2\n",
        SMALL + " - [\n",
        SMALL.replace("x:", "rig:"),
        "",
    ],
)
def test_with_task_refuses_in_one_line_what_it_cannot_insert_into(text):
    with pytest.raises(Refused, match=r"^[^\n]+$"):
        with_task(text, "rig", SECTION)


def test_with_task_finds_the_end_of_a_block_of_text():
    after = with_task(SMALL.replace("1 # last", "|\n      text\n      more"), "rig", SECTION)
    assert parse_raw(after, "")["tasks"]["x"] == {"y": "text\nmore\n"}


@pytest.mark.parametrize(
    "text", ["t", 'a "b"', "\\x", "θ [°]: #1", "- no", "yes", "1e3", "\t", "\u2028", "😀", "", "${x}", "é\x85"]
)
def test_quoted_is_read_back_as_the_same_text(text):
    assert parse_raw(f"key: {quoted(text)}\n", "text") == {"key": text}
    assert yaml.safe_load(quoted(text)) == text
