"""Measured recordings: archives, splits, finite differences and windows."""

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import PARAMS, ROOT, truth_of
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.signal import savgol_filter

from hnn.core.errors import Refused
from hnn.datasets.finite_differences import gaps
from hnn.datasets.recordings import (
    MissingArchive,
    Recording,
    find_archive,
    read_archive,
    train_test_split,
    windows,
    with_derivatives,
)

INGEST = PARAMS["ingest"]


def recording(gap_after=6, rows=12):
    """x = (t², 3t) every 0.5 s, with two rows missing after `gap_after`."""
    t = np.delete(np.arange(rows + 2) * 0.5, [gap_after + 1, gap_after + 2])
    return Recording(t, np.stack([t**2, 3 * t], -1))


@pytest.fixture
def archive(tmp_path):
    """An archive with one member of two trials."""
    rows = ["% o v"] + [f"{trial} {t / 10} {trial + t} {-t}" for trial in (0, 1) for t in range(5)]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("swing.txt", "\n".join(rows))
    return tmp_path / "a.zip", hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("% o v\n0 0 1 2\n", "has no trial 7; it has: 0"),
        ("% o v\n7 0 1\n", "has rows of 3 numbers, must be"),
        ("% o v\n7 0 1 nan\n", "has rows of 4 numbers, must be finite"),
        ("% o v\n7 0 x 2\n", "cannot be read as numbers"),
        ("7 0 1 2\n" * 40, "has 320 bytes, at most 300 are read"),
    ],
)
def test_read_archive_refuses_a_member_that_is_no_table_of_its_trial(tmp_path, monkeypatch, text, said):
    monkeypatch.setattr("hnn.datasets.recordings.MOST_BYTES", 300)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("swing.txt", text)
    with pytest.raises(Refused, match=f"a.zip: swing.txt {said}"):
        read_archive(tmp_path / "a.zip", "swing.txt", 7)


def test_read_archive_refuses_a_file_that_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_text("text")
    with pytest.raises(Refused, match=r"a\.zip: swing\.txt cannot be read as numbers: File is not a zip file"):
        read_archive(tmp_path / "a.zip", "swing.txt", 7)


@pytest.fixture
def real():
    """The measured pendulum, where its archive is at hand."""
    places = [os.environ.get("HNN_EXTERNAL_DATA"), ROOT / "data/external", ROOT.parent / "shared/data"]
    folder = next((Path(place) for place in places if place and (Path(place) / INGEST["archive"]).is_file()), None)
    if folder is None:
        pytest.skip(f"{INGEST['archive']} is neither in data/external nor where HNN_EXTERNAL_DATA says")
    path = find_archive(INGEST["archive"], INGEST["sha256"], folder)
    return read_archive(path, PARAMS["tasks"]["real_pendulum"]["ingest"]["member"], 0)


@pytest.mark.parametrize(
    ("derivative", "slope"),
    [("central", lambda t: np.stack([2 * t, 3 + 0 * t], -1)), ("forward", lambda t: np.stack([2 * t + 0.5, 3 + 0 * t], -1))],
)
def test_difference_is_as_defined_and_nan_across_gaps(derivative, slope):
    data = recording()
    dx = with_derivatives(data, derivative).dx[0]
    known = np.isfinite(dx).all(-1)
    expected = {"central": [0, 6, 7, 11], "forward": [6, 11]}[derivative]
    assert np.flatnonzero(~known).tolist() == expected
    assert dx[known] == pytest.approx(slope(data.t)[known])


def test_split_takes_differences_within_each_part_but_published_ones_across_gaps():
    data = recording()
    train, test, rest = train_test_split(data, "forward", 0.25)
    assert (len(train.t), len(test.t), len(rest.t)) == (9, 3, 3)
    assert np.isnan(train.dx[0, -1]).all()
    train, test, rest = train_test_split(data, "published", 0.25)
    assert np.isfinite(train.dx).all()
    assert train.dx[0, 6, 1] == pytest.approx(3)  # across the gap the slope is that of a longer step
    assert train.dx[0, 6, 0] == pytest.approx(2 * data.t[6] + 1.5)
    assert np.array_equal(rest.x, test.x[0])


def test_published_split_trains_on_the_rows_left_over_by_rounding():
    data = recording()  # 11 rows with a difference: 0 to 7, then 8 and 9 for testing, and one that is left
    train, test, _ = train_test_split(data, "published", 0.2)
    assert train.t.tolist() == data.t[[*range(8), 10]].tolist()
    assert test.t.tolist() == data.t[8:10].tolist()


def test_split_published_of_the_real_recording_has_the_published_numbers_of_rows(real):
    train, test, rest = train_test_split(real, "published", 0.2)
    assert (train.x.shape, test.x.shape, len(rest.t)) == ((1, 445, 2), (1, 110, 2), 110)
    assert train.t[-1] == real.t[554]
    assert test.t[[0, -1]].tolist() == real.t[[444, 553]].tolist()


def test_windows_are_of_consecutive_rows_without_gaps():
    data = recording()
    motion = windows(truth_of("pendulum"), data, 3, 4)
    assert motion.x.shape == (3, 4, 2)
    assert motion.t == pytest.approx([0, 0.5, 1.0, 1.5])
    for window in motion.x:
        assert np.diff(window[:, 1]) == pytest.approx([1.5] * 3)
    assert np.array_equal(motion.x[0], data.x[:4])
    assert np.array_equal(motion.x[-1], data.x[-4:])  # evenly distributed, up to the last


def test_windows_refuses_more_windows_than_there_are():
    with pytest.raises(Refused, match=r"given 40 windows of 4 rows .* 12 rows with 1 gaps, allowed: at most \d"):
        windows(truth_of("pendulum"), recording(), 40, 4)


def test_read_archive_gives_one_trial_of_the_named_member(archive):
    trial = read_archive(archive[0], "swing.txt", 1)
    assert trial.t == pytest.approx(np.arange(5) / 10)
    assert trial.x.tolist() == [[1 + t, -t] for t in range(5)]
    with pytest.raises(MissingArchive, match=r"'swim.txt'; it has: swing.txt"):
        read_archive(archive[0], "swim.txt", 0)


def test_find_archive_names_a_missing_archive_its_checksum_and_both_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HNN_EXTERNAL_DATA", "/elsewhere")
    with pytest.raises(MissingArchive) as error:
        find_archive("a.zip", "0" * 64, tmp_path)
    assert all(part in str(error.value) for part in ("a.zip", "0" * 64, str(tmp_path), "HNN_EXTERNAL_DATA", "/elsewhere"))
    assert "\n" not in str(error.value)


def test_find_archive_uses_the_variable_and_refuses_another_checksum(archive, tmp_path, monkeypatch):
    path, sha256 = archive
    monkeypatch.setenv("HNN_EXTERNAL_DATA", str(path.parent))
    assert find_archive("a.zip", sha256, tmp_path / "empty") == path
    with pytest.raises(MissingArchive, match="is another file"):
        find_archive("a.zip", "0" * 64, tmp_path / "empty")


def test_gaps_of_the_real_recording_are_at_the_known_rows(real):
    assert len(real.t) == 556
    assert np.flatnonzero(gaps(real.t)).tolist() == [4, 21, 39, 56, 73, 90, 107, 141, 246, 262]
    assert np.median(np.diff(real.t)) == pytest.approx(1 / 6)


def test_friction_of_the_damped_pendulum_fits_the_recording(real):
    """The friction at which a simulated pendulum from the recording's first state loses energy at the recording's rate."""
    damped = PARAMS["tasks"]["damped_pendulum"]["system"]

    def rate(q, p):
        return np.polyfit(real.t, np.log(p**2 / 2 + damped["gravity"] * (1 - np.cos(q))), 1)[0]

    def excess(friction):
        field = lambda _, x: [x[1], -damped["gravity"] * np.sin(x[0]) - friction * x[1]]  # noqa: E731
        return rate(*solve_ivp(field, real.t[[0, -1]], real.x[0], t_eval=real.t, rtol=1e-8, atol=1e-8).y) - rate(*real.x.T)

    assert brentq(excess, 0.001, 0.1) == pytest.approx(damped["friction"], rel=0.01)


def test_noise_of_the_damped_pendulum_fits_the_recording(real):
    """Residuals of a Savitzky-Golay filter (7 rows, degree 4) after the last gap, corrected for its degrees of freedom."""
    smooth = real.x[np.flatnonzero(gaps(real.t))[-1] + 1 :]
    weight = savgol_filter(np.eye(21)[10], 7, 4)[10]
    noise_of_recording = [(x - savgol_filter(x, 7, 4))[7:-7].std() / np.sqrt(1 - weight) for x in smooth.T]
    noise = PARAMS["tasks"]["damped_pendulum"]["simulate"]
    assert noise_of_recording == pytest.approx([noise["noise_q"], noise["noise_p"]], rel=0.06)
