"""`python -m hnn test`: a line for each check, the constants that it asks for, and status 1 if a check fails."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from hnn.commands.own_system import check_system, numbers
from hnn.core.errors import Refused
from hnn.evaluation.system_contract import CHECKS

FILE = ROOT / "systems/duffing.py"
CONSTANTS = ["mass=1", "stiffness=1", "hardening=0.5"]


def test_the_table_has_a_line_for_each_check_and_none_fails():
    table, failed = check_system(FILE, CONSTANTS, ["box", "low=0.3"])
    title, _, *lines = table.splitlines()
    assert title == f"{FILE}: Duffing(mass=1, stiffness=1, hardening=0.5), 4 initial states of box(low=0.3, high=1)"
    assert [line.split()[0] for line in lines] == [check.name for check in CHECKS]
    assert failed is None


def test_a_failed_check_says_what_was_found_and_ends_with_status_1(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(FILE.read_text().replace("return 4 * torch", "return 8 * torch"))
    done = subprocess.run(
        [sys.executable, "-m", "hnn", "test", "wrong.py", *CONSTANTS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "period      failed  in its period a motion turns 2 times; correct period" in done.stdout
    assert done.stderr == "1 of 9 checks failed: period\n"


def test_a_file_is_found_in_the_folder_of_systems_too(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert check_system(Path("duffing.py"), CONSTANTS, [])[0].startswith("systems/duffing.py: ")


def test_missing_constants_are_all_named():
    with pytest.raises(
        Refused, match=r"duffing\.py: stiffness: is missing; hardening: is missing; constants are given as words"
    ):
        check_system(FILE, ["mass=1"], [])


def test_a_class_that_refuses_its_constants_or_draws_no_states_is_refused_with_its_line(tmp_path):
    file = tmp_path / "mine.py"
    added = "    def __post_init__(self):\n        assert self.mass < 1, 'too heavy'\n\n    def period"
    file.write_text(FILE.read_text().replace("    def period", added))
    with pytest.raises(Refused, match=r"mine\.py: line 29: AssertionError: too heavy"):
        check_system(file, CONSTANTS, [])
    file.write_text(
        FILE.read_text().replace("    def period", "    def ring(self, generator, count):\n        1 / 0\n\n    def period")
    )
    with pytest.raises(Refused, match=r"mine\.py: ring: line 29: ZeroDivisionError"):
        check_system(file, CONSTANTS, [])


def test_numbers_are_whole_or_floating():
    assert numbers(["n=3", "a=-2", "b=1e-3"]) == {"n": 3, "a": -2, "b": 1e-3}
