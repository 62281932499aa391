"""Damaged files of every kind are refused in one line or read as they were; `make torture` damages many more."""

import numpy as np
import pytest
from damaged_files import KINDS, MOST_SECONDS, PARAMS, fuzz, outcome


@pytest.mark.parametrize("name", KINDS)
def test_readers_refuse_damaged_files_in_one_line_or_read_them_as_they_were(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counted = fuzz(KINDS[name], 60, np.random.default_rng(1))
    assert counted.refused > 20
    assert counted.slowest < MOST_SECONDS


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.path != PARAMS])
def test_readers_give_a_good_file_and_refuse_one_that_is_cut_off_anywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = KINDS[name]
    kind.path.parent.mkdir(parents=True, exist_ok=True)
    kind.write()
    assert not isinstance(outcome(kind), str)
    content = kind.path.read_bytes()
    whole = 1 if content.endswith(b"\n") else 0  # a text without its last line feed is complete
    for length in np.linspace(0, len(content) - 1 - whole, 12).astype(int):
        kind.path.write_bytes(content[:length])
        cut_a_number = kind.path.suffix == ".csv" and isinstance(outcome(kind), dict)
        assert isinstance(outcome(kind), str) or cut_a_number
