"""`python -m hnn new`: recordings of every kind become a task, or are refused in one line and change nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy.io import savemat

from hnn import __main__ as command
from hnn.commands import new as module
from hnn.commands.recording_text import Recipe, task_section
from hnn.commands.rollout import rollout
from hnn.core.errors import Refused
from hnn.datasets.columns import Columns
from hnn.datasets.inspection import Inspection, Sampling
from hnn.datasets.tables import files_of, read_tables
from hnn.datasets.trials import trials
from hnn.params.checks import load_checked_params
from hnn.params.insertion import with_task
from hnn.params.loading import InvalidParams, load_params

T = np.arange(400) * 0.02
Q, V = np.cos(3 * T), -3 * np.sin(3 * T)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with params.yaml, no repository."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text(columns, separator=",", decimal=".", header=True):
    """A table as text."""
    rows = [separator.join(columns)] if header else []
    rows += [separator.join(f"{x:.8g}".replace(".", decimal) for x in row) for row in zip(*columns.values(), strict=True)]
    return "\n".join(rows) + "\n"


PLAIN = text({"t": T, "theta": Q, "omega": V})
DATES = text({"t": T, "q": Q}).replace("\n0", "\n2024-01-01 0")
INTERLEAVED = text({"t": np.repeat(T, 2), "q": np.repeat(Q, 2), "run": np.arange(800) % 2})


def edited(line, words):
    """The plain table with another text in one of its lines, counted from 1."""
    lines = PLAIN.splitlines()
    lines[line - 1] = words
    return "\n".join(lines) + "\n"


def write(name, content):
    """A file of text, bytes, or by a function of its path."""
    path = Path(name)
    if callable(content):
        content(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
    return name


def dry(*words, capsys):
    """What `python -m hnn new rig … --dry` prints: (status, standard output, standard error)."""
    sys.argv = ["hnn", "new", *words, "--dry"]
    status, message = 0, ""
    try:
        command.main()
    except SystemExit as end:
        status, message = (1, f"{end.code}\n") if isinstance(end.code, str) else (end.code, "")
    said = capsys.readouterr()
    return status, said.out, said.err + message


def npz(**arrays):
    """A writer of an NPZ file."""
    return lambda path: np.savez(path, **arrays)


def objects(path):
    np.savez(path, t=T, q=np.array([{"a": 1}], dtype=object))


def cut_off(path):
    np.savez(path, t=T)
    path.write_bytes(path.read_bytes()[:900])


HDF5 = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400)


def trials_of_cells(path):
    """A MATLAB file with cells of trials, as of the measured pendulum in tests of the real file."""
    cells = {name: np.empty((2, 1), object) for name in ("Y_id", "Time_id", "Y_vad", "Time_vad")}
    for i in range(2):
        for one in ("id", "vad"):
            rows = 300 + 50 * i
            cells[f"Y_{one}"][i, 0] = np.stack([Q[:rows], V[:rows]])
            cells[f"Time_{one}"][i, 0] = T[:rows, None]
    savemat(path, cells)


WORKING = {
    "commas": ("a.csv", PLAIN, "1 trial, 400 rows"),
    "a byte order mark": ("a.csv", PLAIN.encode("utf-8-sig"), "theta"),
    "UTF-16": ("a.csv", PLAIN.encode("utf-16"), "1 trial, 400 rows"),
    "UTF-16, big-endian": ("a.csv", b"\xfe\xff" + PLAIN.encode("utf-16-be"), "1 trial, 400 rows"),
    "Windows line ends": ("a.csv", PLAIN.replace("\n", "\r\n").encode(), "1 trial, 400 rows"),
    "Latin-1": ("a.csv", PLAIN.replace("theta", "theta [°]").encode("latin-1"), "converted from ° to radians"),
    "semicolons and decimal commas": ("a.csv", text({"t": T, "x": Q, "v": V}, ";", ","), "velocity"),
    "tabs": ("a.tsv", text({"t": T, "x": Q, "v": V}, "\t"), "velocity"),
    "blanks and decimal commas": ("a.txt", text({"t": T, "x": Q, "v": V}, "  ", ","), "velocity"),
    "units": ("a.csv", text({"time (ms)": 1000 * T, "theta [rad]": Q, "omega [rad/s]": V}), "converted from ms to s"),
    "a line of units": ("a.csv", text({"time": T, "angle": Q}).replace("angle\n", "angle\ns,rad\n"), "rad "),
    "spaces in headers": ("a.csv", text({" Time ": T, "Angular Position": Q, "angular velocity": V}), "Angular Position"),
    "no header": ("a.csv", text({"a": T, "b": Q, "c": V}, header=False), "column_3"),
    "unknown names": ("a.csv", text({"t": T, "foo": V, "bar": Q, "temperature": 20 + 0 * T}), "foo is 1.000 times"),
    "a state": ("a.csv", text({"t": T, "x1": Q, "x2": V}), "velocity"),
    "a header of another archive": ("a.txt", "% x v\n" + text({"i": 0 * T, "t": T, "x": Q, "v": V}, " ", header=False), "a_0"),
    "a preamble": ("a.csv", "Instrument 7\nRate: 50 Hz\n\n" + PLAIN, "1 trial, 400 rows"),
    "no velocities": ("a.csv", text({"t": T, "theta": Q}), "Savitzky-Golay"),
    "momenta": ("a.csv", text({"t": T, "q": Q, "p": 0.5 * V}), "p is 0.500 times the rate of q"),
    "velocities of another unit": ("a.csv", text({"t": T, "q": Q, "v": 5 * V}), "other units"),
    "missing values": ("a.csv", edited(7, "0.1,,2"), "1 row has a missing value and is left out, the first in a.csv, line 7"),
    "NaN": ("a.csv", edited(7, "0.1,NaN,2"), "a.csv, line 7"),
    "text in a column that is not used": (
        "a.csv",
        "\n".join(line + (",remark" if i == 0 else ",ok" if i == 9 else ",") for i, line in enumerate(PLAIN.splitlines())),
        "not used: remark",
    ),
    "trials by number": ("a.csv", text({"t": np.tile(T[:200], 2), "q": Q, "run": np.repeat([3, 7], 200)}), "a_3, a_7"),
    "trials row by row in turn": ("a.csv", INTERLEAVED, "a_0, a_1"),
    "a gap": ("a.csv", "\n".join(PLAIN.splitlines()[:200] + PLAIN.splitlines()[220:]), "1 gap of up to 0.42 s"),
    "Parquet": ("a.parquet", lambda path: pd.DataFrame({"t": T, "q": Q, "v": V}).to_parquet(path), "velocity"),
    "NPZ": ("a.npz", npz(t=T, q=Q, v=V), "1 trial, 400 rows"),
    "NPZ with a matrix": ("a.npz", npz(t=T, x=np.stack([Q, V], -1)), "x_2"),
    "NPZ with trials": ("a.npz", npz(t=T, q=np.stack([Q, -Q])[..., None], v=np.stack([V, -V])[..., None]), "q_1, q_2"),
    "MATLAB": ("a.mat", lambda path: savemat(path, {"t": T, "q": Q[:, None], "dt": 0.02}), "position"),
    "MATLAB cells": ("a.mat", trials_of_cells, "Y_id_1, Y_id_2, Y_vad_1, Y_vad_2"),
}  # fmt: skip
"""Recordings that are read: file, content, and some of what is printed."""


@pytest.mark.parametrize("case", WORKING)
def test_new_reads_recordings_of_every_form(case, capsys):
    name, content, expected = WORKING[case]
    status, out, err = dry("rig", write(name, content), capsys=capsys)
    assert status == 0, err
    assert err == ""
    assert expected in re.sub(r"\s+", " ", out).replace("rad ", "rad ") or expected in out
    assert "about 2.0" in out or "about 2.1" in out  # the period, 2 π / 3 s
    assert max(map(len, out.split("\nNothing is written")[0].splitlines())) <= 80


BAD = {
    "text among numbers": ("a.csv", edited(9, "0.14,abc,1"), ["a.csv: line 9: column 'theta': given 'abc'", "correct"]),
    "infinite": ("a.csv", edited(9, "0.14,inf,1"), ["a.csv: line 9: column 'theta' is infinite", "correct or delete"]),
    "time that runs backwards": ("a.csv", edited(9, "0.02,1,1"), ["a.csv: line 9: column 't': time runs back", "--trial"]),
    "duplicate times": ("a.csv", edited(9, "0.12,1,1"), ["a.csv: line 9: column 't': 0.12 s twice", "--dt"]),
    "one row": ("a.csv", "t,q,v\n0,1,2\n", ["a.csv: line 2: trial a: given 1 complete row, must be at least 16"]),
    "only missing values": ("a.csv", text({"t": T, "q": Q * np.nan}), ["a.csv: line 2", "given 0 complete rows"]),
    "a header alone": ("a.csv", "t,q,v\n", ["a.csv: line 1: given t,q,v, and no row of numbers"]),
    "a longer row": ("a.csv", edited(9, "0.14,1,1,1"), ["a.csv: line 9: given 4 fields, must be 3, as in line 2", "correct"]),
    "constant signal": ("a.csv", text({"t": T, "q": 0 * Q + 5}), ["a.csv: line 2: column 'q' is 5 in all", "--q without"]),
    "no times": ("a.csv", text({"q": Q, "v": V}), ["a.csv: no column is called t or time", "found: q, v", "--time", "--dt"]),
    "two times": ("a.csv", text({"t": T, "time": T, "q": Q}), ["--time is needed: t, time may be the times"]),
    "no positions": ("a.csv", text({"t": T, "a": Q, "b": Q**3}), ["a.csv: --q is needed", "found: a, b", "--q a"]),
    "dates": ("a.csv", DATES, ["a.csv: line 2: column 't': given '2024-01-01 0'", "--dt"]),
    "empty": ("a.csv", "", ["a.csv: is empty"]),
    "blank": ("a.csv", " \n\n", ["a.csv: is empty"]),
    "prose": ("a.csv", "Dear colleague,\nsee below.\n", ["a.csv: line 1: given Dear colleague,", "allowed: CSV"]),
    "binary": ("a.csv", bytes(range(256)) * 9, ["a.csv: line 1: holds binary data", "allowed: CSV"]),
    "binary without zeros": ("a.csv", bytes(range(128, 160)) * 99, ["a.csv: line 1: holds binary data"]),
    "half of UTF-16": ("a.csv", b"\xff\xfe\x00\xd8\x00\x00\x41", ["a.csv: line 1: is no text in UTF-16", "UTF-8"]),
    "a folder": ("a.csv", lambda path: path.mkdir(), ["a.csv: is a folder; give its files"]),
    "a file that is not there": ("a.csv", lambda path: None, ["a.csv: there is no such file"]),
    "a pipe": ("a.csv", lambda path: os.mkfifo(path), ["a.csv: is no regular file"]),
    "NPZ with objects": ("a.npz", objects, ["a.npz: q: holds Python objects, which are not loaded", "save arrays of numbers"]),
    "NPZ that is none": ("a.npz", PLAIN, ["a.npz: is no NPZ file", "numpy.savez"]),
    "NPZ cut off": ("a.npz", cut_off, ["a.npz: is no NPZ file"]),
    "NPZ with a scalar": ("a.npz", npz(t=1.0), ["a.npz: holds t float64 ()", "must hold vectors or matrices"]),
    "MATLAB 7.3": ("a.mat", HDF5, ["a.mat: is of MATLAB's version 7.3", "-v7"]),
    "MATLAB that is none": ("a.mat", PLAIN, ["a.mat: is no MATLAB file", "-v7"]),
    "Parquet that is none": ("a.parquet", PLAIN, ["a.parquet: is no Parquet file"]),
    "a hidden file": (".a.csv", PLAIN, [".a.csv: its name begins with a dot"]),
}  # fmt: skip
"""Recordings that are refused: file, content, and parts of the line."""


def assert_refused(status, out, err, parts):
    """Assert a refusal in one line that has all parts, and that nothing was changed."""
    lines = [line for line in err.splitlines() if line and not line.startswith(("usage:", " "))]
    assert status not in (0, None), out
    assert len(lines) == 1, err
    assert "Traceback" not in err
    for part in parts:
        assert part in lines[0]
    assert Path("params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()
    assert not Path("data").exists()


@pytest.mark.parametrize("case", BAD)
def test_new_refuses_bad_recordings_in_one_line(case, capsys):
    name, content, parts = BAD[case]
    write(name, content)
    assert_refused(*dry("rig", name, capsys=capsys), parts)


CALLS = {
    "a taken name": ("pendulum a.csv", ["name: given 'pendulum', which is a task of params.yaml already"]),
    "the name of the exact field": ("truth a.csv", ["name: given 'truth', which means the exact field"]),
    "upper case": ("Rig a.csv", ["name: given 'Rig', must be lower-case letters"]),
    "no identifier": ("2rig a.csv", ["name: given '2rig', must be lower-case letters"]),
    "a path": ("../rig a.csv", ["name: given '../rig', must be lower-case letters"]),
    "no files": ("rig", ["files"]),
    "no column": ("rig a.csv --q thta", ["a.csv: --q: no column 'thta'; did you mean 'theta'?"]),
    "no column of times": ("rig a.csv --time tt", ["a.csv: --time: no column 'tt'"]),
    "no column of trials": ("rig a.csv --trial run", ["a.csv: --trial: no column 'run'"]),
    "a column twice": ("rig a.csv --q theta,theta", ["--q: given theta, theta, must be different columns"]),
    "too few velocities": ("rig a.csv --q theta,omega --v omega", ["--v: given 1 columns, must be 2"]),
    "times twice": ("rig a.csv --time t --dt 0.1", ["--dt"]),
    "rates twice": ("rig a.csv --v omega --p omega", ["--p"]),
    "mass of momenta": ("rig a.csv --p omega --mass 2", ["--mass: given with --p"]),
    "no mass": ("rig a.csv --mass 0", ["--mass: given 0, must be a positive number"]),
    "no step": ("rig a.csv --dt nan", ["--dt: given nan, must be a positive number"]),
    "no fraction": ("rig a.csv --test 1.5", ["--test: given 1.5, must be a fraction"]),
    "no such trial": ("rig a.csv --test b", ["--test: given 'b', with which no trial's name begins; trials: a"]),
    "all trials": ("rig a.csv --test a", ["--test: given a, which leaves no trial to learn from"]),
    "two files of one name": ("rig a.csv sub/a.csv", ["a.csv: a second file is called a.csv"]),
    "other columns": ("rig a.csv b.csv", ["b.csv: line 2: no column 'omega', which a.csv has", "name columns alike"]),
}


@pytest.mark.parametrize("case", CALLS)
def test_new_refuses_wrong_calls_in_one_line(case, capsys):
    words, parts = CALLS[case]
    write("a.csv", PLAIN)
    write("b.csv", text({"t": T, "theta": Q, "speed": V}))
    Path("sub").mkdir()
    shutil.copy("a.csv", "sub")
    assert_refused(*dry(*words.split(), capsys=capsys), parts)


def test_new_takes_trials_of_other_lengths_and_orders_files_by_number(capsys):
    for number, rows in ((2, 400), (10, 250)):
        write(f"run_{number}.csv", text({"t": T[:rows], "theta": Q[:rows], "omega": V[:rows]}))
    status, out, err = dry("rig", "run_10.csv", "run_2.csv", capsys=capsys)
    assert status == 0, err
    assert "2 files: 2 trials, 650 rows" in out
    assert "run_2, run_10, 4.98 to 7.98 s each" in out


def test_new_uses_the_columns_that_are_told(capsys):
    write("a.csv", text({'"clock, s"': 1 + T, "one": Q, "two": V, "three": Q}))
    words = ["rig", "a.csv", "--time", "clock, s", "--q", "three", "--v", "two", "--mass", "0.5", "--test", "0.3"]
    status, out, err = dry(*words, capsys=capsys)
    assert status == 0, err
    for line in ('time: "clock, s"', '- "three"', '- "two"', "mass: 0.5", "test: 0.3"):
        assert line in out
    status, out, _ = dry("rig", "a.csv", "--dt", "0.02", "--q", "one", capsys=capsys)
    assert "time_step: 0.02 # s" in out


FOUND = Inspection(Sampling(0.02, 0.0, True, 0, 0.0), [], [], [], 2.0, None, 1)


@pytest.fixture
def repository(project):
    """The folder as a repository of git and DVC, which ignores data/ as the project does."""
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, project)
    shutil.copytree(ROOT / ".dvc", project / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    subprocess.run(["git", "init", "--quiet"], check=True)
    return project


def test_new_adds_a_task_and_leaves_every_other_line_as_it_is(repository, capsys):
    header = 'θ "1": #x [rad]\\'  # what YAML must quote
    write("a.csv", text({"t": T, header.replace('"', '""').join('""'): Q, "v": V}))
    before = Path("params.yaml").read_bytes()
    module.new("rig", [Path("a.csv")])
    module.new("rig_2", [Path("a.csv")], test="0.25")
    assert "git add data/recordings/rig_2.dvc params.yaml" in capsys.readouterr().out
    params = load_params()
    assert params.recorded_tasks == ["rig", "rig_2"]
    source = params.tasks["rig"].source
    assert source is not None
    assert (source.time, source.positions, source.velocities, source.test) == ("t", [header], ["v"], 0.2)
    assert source.period == pytest.approx(2 * np.pi / 3, rel=0.03)
    assert params.tasks["rig"].recording is not None
    [run] = trials(read_tables(files_of(Path("data/recordings/rig"))), source.pick(Columns), source.mass)
    np.testing.assert_allclose(run.x, np.stack([Q, V], -1), atol=1e-6)
    lines = Path("params.yaml").read_bytes().splitlines(keepends=True)
    old = before.splitlines(keepends=True)
    changed = next(i for i, line in enumerate(old) if line.startswith(b"recorded_tasks:"))
    assert lines[:changed] == old[:changed]
    assert lines[changed + 3 : len(old) + 2] == old[changed + 1 :]
    assert Path("data/recordings/rig/a.csv").read_bytes() == Path("a.csv").read_bytes()
    ignored = subprocess.run(
        ["git", "check-ignore", "data/recordings/rig/a.csv", "data/recordings/rig.dvc"], capture_output=True
    )
    assert ignored.stdout.decode().split() == ["data/recordings/rig/a.csv"]


@pytest.mark.parametrize("name", ["rig", "other"])
def test_new_is_undone_where_dvc_fails(name, repository, monkeypatch):
    write("a.csv", PLAIN)
    module.new("other", [Path("a.csv")]) if name == "rig" else None
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts}
    monkeypatch.setattr(module.sys, "executable", shutil.which("false"))
    with pytest.raises(Refused, match=f"`dvc add data/recordings/{name}` failed"):
        module.new(name, [Path("a.csv")])
    after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts}
    assert after == before
    assert Path("data").exists() == (name == "rig")


def test_new_outside_a_repository_is_refused_and_changes_nothing(project):
    write("a.csv", PLAIN)
    with pytest.raises(Refused, match=r"`dvc add data/recordings/rig` failed: .*; run in the project's folder"):
        module.new("rig", [Path("a.csv")])
    assert not Path("data").exists()
    assert Path("params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_new_refuses_a_folder_that_is_taken(project):
    write("a.csv", PLAIN)
    Path("data/recordings/rig").mkdir(parents=True)
    with pytest.raises(Refused, match="name: given 'rig', but data/recordings/rig is there already"):
        module.new("rig", [Path("a.csv")], dry=True)


def test_commands_refuse_what_a_recording_does_not_allow_in_one_line(capsys):
    task = task_section("rig", Columns(time="t", positions=("q",)), FOUND, Recipe(1.0, 0.2), [])
    text = with_task(Path("params.yaml").read_text(encoding="utf-8"), "rig", task)
    Path("params.yaml").write_text(text, encoding="utf-8")
    load_checked_params()
    with pytest.raises(Refused, match=r"^rig: is a recording of your own, whose exact field is not known"):
        rollout("rig", "hnn", "1,0", Path("o.csv"), until=1.0)
    Path("params.yaml").write_text(text.removesuffix("rollout: {}\n") + "rollout:\n      integrator: leapfrog\n")
    with pytest.raises(InvalidParams, match=r"rollout.integrator: given 'leapfrog' for rig; .* learned by baseline, hnn"):
        load_checked_params()


def test_page_shows_what_new_prints(capsys):
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    generator, t = np.random.default_rng(0), np.arange(0, 20, 0.02)
    for k in range(1, 6):
        angle = 0.8 * np.exp(-0.02 * t) * np.cos(4.4 * t + k) + generator.normal(0, 0.003, len(t))
        rows = [f"{1000 * a:.0f};{np.degrees(b):.3f};21,5".replace(".", ",") for a, b in zip(t, angle, strict=True)]
        write(f"run_{k}.csv", "\n".join(["time (ms);theta [deg];temperature", *rows]).encode("utf-8-sig"))
    _, out, _ = dry("my_rig", *(f"run_{k}.csv" for k in range(1, 6)), capsys=capsys)
    for part in out.split("\nNothing is written (--dry). Without it, params.yaml gets under tasks:\n\n"):
        assert indent(part.strip("\n"), "    ") in page


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_new_reads_a_million_rows_in_bounded_memory(project):
    t = np.arange(10**6) * 1e-3
    pd.DataFrame({"t": t, "q": np.cos(t), "v": -np.sin(t)}).to_csv("a.csv", index=False, float_format="%.6g")
    code = (
        "import sys; from pathlib import Path; from hnn.commands import new; "
        "new.new('rig', [Path('a.csv')], dry=True); print(Path('/proc/self/status').read_text(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert "1000000 rows" in done.stdout
    # Linux counts into a child's ru_maxrss what the process that started it held; VmHWM is that of the program alone.
    peak = next(line.split()[1] for line in done.stderr.splitlines() if line.startswith("VmHWM:"))
    assert int(peak) * 1024 < 1e9  # ten times as many rows need less than 2 GB: 150 bytes each, and the libraries
