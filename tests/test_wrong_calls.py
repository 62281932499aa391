"""Whatever the commands and the stages are given wrongly ends in one line and a status that is not 0, never in a traceback."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT, network, starts_of

import stages

import hnn
from hnn import __main__ as command
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.trajectories import Observations
from hnn.files import artifacts, paths
from hnn.files.arrays import write_arrays

ABOUT = {"degrees": 1, "hidden": 4, "layers": 2, "activation": "tanh"}
WEIGHTS = paths.weights_path(Cell("pendulum", "hnn"))


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project, no repository, whose pendulum has data and one trained cell."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("GIT_", "HNN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    artifacts.write_weights(WEIGHTS, [network("hnn", hidden=4).float().state_dict()], {"name": "hnn"} | ABOUT)
    x = starts_of("pendulum", 12).numpy().reshape(1, 12, 2)
    data = Observations(np.arange(12.0), x, x)
    artifacts.write_observations("pendulum", [data], data)
    shutil.copytree(ROOT / "systems", "systems", ignore=shutil.ignore_patterns("__pycache__"))
    Path("systems/broken.py").write_text("def f(:\n")
    np.savez("clip.npz", frames=np.zeros((3, 28, 28), np.uint8))
    return tmp_path


def of_command(words, capsys):
    """(status, standard error) of `python -m hnn`."""
    sys.argv = ["hnn", *words]
    try:
        command.main()
    except SystemExit as end:
        code = end.code
    else:
        code = 0
    said = capsys.readouterr().err
    return (1, f"{said}{code}\n") if isinstance(code, str) else (code, said)


def of_stage(words, capsys, monkeypatch):
    """(status, standard error) of `python -m stages.<stage>`."""

    def leave(status):
        raise SystemExit(status)

    monkeypatch.setattr(stages, "os", SimpleNamespace(_exit=leave))  # not that of forks
    monkeypatch.setattr(stages, "end_with_parent", lambda: None)
    module = importlib.import_module(f"stages.{words[0]}")
    (stage,) = [one for name, one in vars(module).items() if name in STAGES and one.__module__ == module.__name__]
    sys.argv = words
    with pytest.raises(SystemExit) as end:
        stages.run(stage)
    return end.value.code, capsys.readouterr().err


STAGES = {
    *("list_code", "validate", "simulate", "ingest", "render_frames", "pretrain", "train", "train_pixels", "rollout"),
    *("rollout_pixels", "roll_out_truth", "write_report"),
}
"""The functions of the stages."""

ROLL = "rollout pendulum hnn --start 1,0 --until 1 --out o.csv"
FILM = "rollout pixel_pendulum hnn --frames clip.npz --out o.gif"

COMMANDS = [
    "",
    "nothing",
    "report now",
    "report",
    "new",
    "new rig",
    "new pendulum a.csv",
    "new Rig a.csv",
    "new rig nothing.csv",
    "new rig .",
    "new rig clip.npz",
    "new rig params.yaml",
    "new rig params.yaml --dt x",
    "readme",
    "check",
    "diff",
    "diff HEAD~1",
    "diff nowhere HEAD",
    "diff a b c",
    "diff --all",
    "experiments",
    "experiments nothing",
    "law",
    "law pendulum",
    "law pendulum hn",
    "law pendulm hnn",
    "law pixel_pendulum hnn",
    "law pendulum hnn",
    "rollout",
    "test",
    "test nothing.py",
    "test .",
    "test params.yaml",
    "test systems",
    "test ../../duffing.py mass=1",
    "test duffing.py",
    "test duffing.py mass=1 stiffness=1",
    "test duffing.py mass=one stiffness=1 hardening=1",
    "test duffing.py 1 1 1",
    "test duffing.py mass=-1 stiffness=1 hardening=1",
    "test duffing.py mass=nan stiffness=1 hardening=1",
    "test duffing.py mass=1 mass=1 stiffness=1 hardening=1",
    "test duffing.py mass=1 stiffness=1 hardening=1 length=1",
    "test duffing.py mass=1 stiffness=1 hardening=1 --distribution",
    "test duffing.py mass=1 stiffness=1 hardening=1 --distribution rings",
    "test duffing.py mass=1 stiffness=1 hardening=1 --distribution ring radius=1",
    "test duffing.py mass=1 stiffness=1 hardening=1 --distribution ring low",
    "test broken.py mass=1",
    "rollout pendulum",
    "rollout pendulum hnn",
    "rollout pendulum hnn --start 1,0 --until 1",
    "rollout pendulum hnn --start 1,0 --out o.csv",
    "rollout pendulm hnn --start 1,0 --until 1 --out o.csv",
    "rollout ../../etc hnn --start 1,0 --until 1 --out o.csv",
    "rollout pendulum hn --start 1,0 --until 1 --out o.csv",
    "rollout pendulum ../hnn --start 1,0 --until 1 --out o.csv",
    "rollout pendulum baseline --start 1,0 --until 1 --out o.csv",
    "rollout mass_spring hnn --start 1,0 --until 1 --out o.csv",
    "rollout pendulum hnn --start 1 --until 1 --out o.csv",
    "rollout pendulum hnn --start 1,0,0 --until 1 --out o.csv",
    "rollout pendulum hnn --start , --until 1 --out o.csv",
    "rollout pendulum hnn --start nan,0 --until 1 --out o.csv",
    "rollout pendulum hnn --start 1,inf --until 1 --out o.csv",
    "rollout pendulum hnn --start one,two --until 1 --out o.csv",
    "rollout pendulum hnn --start 1;0 --until 1 --out o.csv",
    "rollout pixel_pendulum hnn --start 1,0 --until 1 --out o.csv",
    "rollout two_body truth --start 1,0,1,0,0,0,0,0 --until 1 --out o.csv",
    "rollout pendulum hnn --start 1,0 --until 0 --out o.csv",
    "rollout pendulum hnn --start 1,0 --until -3 --out o.csv",
    "rollout pendulum hnn --start 1,0 --until nan --out o.csv",
    "rollout pendulum hnn --start 1,0 --until inf --out o.csv",
    "rollout pendulum hnn --start 1,0 --until 1e9 --out o.csv",
    "rollout pendulum hnn --start 1,0 --until later --out o.csv",
    f"{ROLL} --points 1",
    f"{ROLL} --points 2000000000",
    f"{ROLL} --points 3.5",
    f"{ROLL} --seed 1",
    f"{ROLL} --seed -1",
    f"{ROLL} --seed x",
    f"{ROLL} --integrator eulr",
    f"{ROLL} --integrator leapfrog",
    f"{ROLL} --integrator rk4 --step 0",
    f"{ROLL} --integrator rk4 --step -1",
    f"{ROLL} --integrator rk4 --step nan",
    f"{ROLL} --integrator rk4 --step 1e-9",
    f"{ROLL} --step 0.1",
    f"{ROLL} --step-map rk4",
    f"{ROLL} --frames clip.npz",
    f"{ROLL} --out .",
    f"{ROLL} --out /dev/null",
    f"{ROLL} --out params.yaml/o.csv",
    f"{ROLL} --out /proc/o.csv",
    FILM,
    f"{FILM} --step-map midpoint",
    f"{FILM} --seed 3",
    f"{FILM} --points 4",
    f"{FILM} --out o.csv",
    f"{FILM} --out .",
    f"{FILM} --frames nothing.npz",
    f"{FILM} --frames .",
    f"{FILM} --frames /dev/zero",
    f"{FILM} --until nan",
    "rollout pendulum hnn --frames clip.npz --out o.gif",
    "rollout pixel_pendulum truth --frames clip.npz --out o.gif",
]

STAGE_CALLS = [
    "simulate",
    "simulate pendulm",
    "simulate ../pendulum",
    "simulate real_pendulum",
    "simulate pendulum twice",
    "ingest pendulum",
    "ingest real_pendulum",
    "render pendulum",
    "render pixel_pendulum",
    "pretrain pendulum",
    "pretrain pixel_pendulum",
    "train pendulum",
    "train pendulm hnn",
    "train pendulum hn",
    "train pendulum ../hnn",
    "train pixel_pendulum hnn",
    "train mass_spring hnn",
    "train_pixels pixel_pendulum hnn",
    "train_pixels pixel_pendulum hnn rk5",
    "train_pixels pixel_pendulum hnn rk4",
    "train_pixels pendulum hnn rk4",
    "rollout pendulum baseline",
    "rollout pendulum hn",
    "rollout pendulm hnn",
    "rollout pendulum hnn",
    "rollout_pixels pixel_pendulum hnn rk4",
    "rollout_pixels pendulum hnn rk4",
    "truth mass_spring",
    "truth pendulm",
    "truth",
    "report",
    "report now",
    "validate now",
]


def assert_one_line(status, said):
    """A refusal: one line, after argparse's usage if there is one, a status that is not 0, no traceback."""
    lines = [line for line in said.splitlines() if line.strip()]
    while lines and (lines[0].startswith(("usage:", " ", "warning: "))):
        del lines[0]
    assert status not in (0, None), said
    assert "Traceback" not in said
    assert len(lines) == 1, said


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_refuse_wrong_calls_in_one_line(words, capsys):
    assert_one_line(*of_command(words.split(), capsys))
    assert not list(Path().glob("o.*"))


@pytest.mark.parametrize("words", STAGE_CALLS)
def test_stages_refuse_wrong_calls_in_one_line(words, capsys, monkeypatch):
    assert_one_line(*of_stage(words.split(), capsys, monkeypatch))


def cut(path):
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES = {
    "weights cut off": lambda: cut(WEIGHTS),
    "weights empty": lambda: WEIGHTS.write_bytes(b""),
    "weights of another cell": lambda: shutil.copy(WEIGHTS, paths.weights_path(Cell("pendulum", "baseline"))),
    "weights a folder": lambda: (WEIGHTS.unlink(), WEIGHTS.mkdir()),
    "observations cut off": lambda: cut(paths.observations_path("pendulum")),
    "observations of integers": lambda: write_arrays(paths.observations_path("pendulum"), {"train.t": np.arange(3)}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_commands_stages_and_the_library_refuse_damaged_files_in_the_same_line(damage, capsys, monkeypatch):
    DAMAGES[damage]()
    model = "baseline" if "another cell" in damage else "hnn"
    status, said = of_command(ROLL.replace("hnn", model, 1).split(), capsys)
    assert_one_line(status, said)
    assert_one_line(*of_stage(["rollout", "pendulum", model], capsys, monkeypatch))
    if "weights" in damage:
        with pytest.raises(Refused) as caught:
            hnn.load("pendulum", model)
        assert str(caught.value) == said.strip()


PARAMETERS = {
    "empty": lambda text: "",
    "no mapping": lambda text: "- a",
    "a tab": lambda text: text + "\tx: 1\n",
    "an unknown key": lambda text: text + "more: 1\n",
    "no seeds": lambda text: text.replace("\nseeds: 5", "\nseeds: 0"),
    "Latin-1": lambda text: text + "# \xe4\n",
}


@pytest.mark.parametrize("change", PARAMETERS)
@pytest.mark.parametrize("words", ["tasks", ROLL, "check-params", "new rig clip.npz"])
def test_commands_refuse_wrong_parameters_in_one_line(words, change, capsys):
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_bytes(PARAMETERS[change](text).encode("latin-1", errors="ignore"))
    assert_one_line(*of_command(words.split(), capsys))


@pytest.mark.parametrize("words", ["report", "tasks", "check", "readme", "new rig a.csv", ROLL])
def test_commands_in_a_folder_without_parameters_refuse_in_one_line(words, tmp_path, monkeypatch, capsys):
    (tmp_path / "sub folder ä").mkdir()
    monkeypatch.chdir(tmp_path / "sub folder ä")
    assert_one_line(*of_command(words.split(), capsys))


@pytest.mark.parametrize("words", ["check", "diff", "experiments"])
def test_commands_in_a_repository_without_commit_refuse_in_one_line(words, capsys):
    subprocess.run(["git", "init", "--quiet"], check=True)
    assert_one_line(*of_command(words.split(), capsys))


@pytest.mark.parametrize("given", [torch.zeros(8), torch.zeros(3, 1), torch.zeros(())])
def test_states_of_the_wrong_length_are_refused_by_their_name_and_length(given):
    model = hnn.load("pendulum", "hnn")
    for call in (model.time_derivative, model.hamiltonian):
        with pytest.raises(ValueError, match=r"^x: \d components, must be 2$"):
            call(given)
    with pytest.raises(ValueError, match=r"^x0: \d components, must be 2$"):
        model.rollout(given, torch.linspace(0, 1, 3))


def in_process(words, **options):
    """A command in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | options.pop("env", {})
    return subprocess.run([sys.executable, "-m", "hnn", *words.split()], env=environment, check=False, **options)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_commands_print_to_any_encoding(encoding):
    done = in_process(
        "rollout pendulum truth --start 1,0 --until 1 --out o.csv", env={"PYTHONIOENCODING": encoding}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"o.csv: 1000 rows" in done.stdout
    refused = in_process(
        "rollout pendulum truth --start 1 --until 1 --out o.csv", env={"PYTHONIOENCODING": encoding}, capture_output=True
    )
    assert_one_line(refused.returncode, refused.stderr.decode(encoding))


def test_commands_on_a_full_disk_refuse_in_one_line():
    with Path("/dev/full").open("wb") as full:
        done = in_process("tasks", stdout=full, stderr=subprocess.PIPE)
    assert_one_line(done.returncode, done.stderr.decode())
    assert b"standard output: No space left on device" in done.stderr
