"""The page of others' recordings: what is missing is said, an archive is unpacked, free runs are measured about the rest."""

import zipfile

import numpy as np
import pytest

from hnn.commands import recordings
from hnn.commands.recordings import EXAMPLES, Example, found, free_runs, main
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.trajectories import Prediction
from hnn.files.recordings import write_predictions


def test_a_recording_whose_archive_is_missing_keeps_its_part_or_says_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HNN_EXTERNAL_DATA", str(tmp_path / "nowhere"))
    kept = tmp_path / "docs/recordings" / f"{EXAMPLES[0].name}.md"
    kept.parent.mkdir(parents=True)
    kept.write_text("## kept\n")
    main([])
    text = (tmp_path / "docs/recordings.md").read_text()
    assert "## kept" in text
    for example in EXAMPLES[1:]:
        assert f"## {example.name}" in text
        assert example.where in text


def test_a_file_is_unpacked_from_its_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("HNN_EXTERNAL_DATA", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("folder/run.txt", "1 2\n")
    example = Example("rig", "a.zip", (), "", "", member="run.txt")
    assert found(example, tmp_path).read_text() == "1 2\n"
    with pytest.raises(Refused, match="has no member other"):
        found(Example("rig", "a.zip", (), "", "", member="other"), tmp_path)
    assert found(Example("rig", "b.zip", (), "", ""), tmp_path) is None


def test_free_runs_are_measured_about_the_rest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    t = np.linspace(0, 1, 50)
    x = np.stack([np.pi + np.cos(9 * t), np.sin(9 * t)], -1)
    rollout = x + np.array([[[0.0, 0.0]], [[0.1, 5.0]], [[0.2, 0.0]]])
    write_predictions(Cell("rig", "hnn"), {"b": Prediction(t, x, rollout)}, {"trials": {"prediction_error": np.ones((3, 1))}})
    monkeypatch.setattr(recordings, "load_params", lambda: type("Params", (), {"recorded_models": ["hnn"]}))
    size = np.sqrt(np.square(np.cos(9 * t)).mean())
    (row,) = free_runs(Example("rig", "", (), "", "", rest=np.pi))
    assert row == {"model": "hnn", "b": f"{0.1 / size:.3g} (0 to {0.2 / size:.3g})"}
    assert free_runs(Example("rig", "", (), "", "")) == []


def test_an_unknown_name_is_refused():
    with pytest.raises(Refused, match="given nothing, allowed: measured_pendulum"):
        main(["nothing"])
