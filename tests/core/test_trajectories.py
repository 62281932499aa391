"""The data that stages pass on."""

import numpy as np

from hnn.core.trajectories import Observations

x = np.arange(24.0).reshape(2, 6, 2)


def test_points_are_those_whose_whole_derivative_is_known():
    dx = x + 100
    dx[0, 2, 1] = dx[1, 5, 0] = np.nan
    kept_x, kept_dx = Observations(np.arange(6.0), x, dx).points()
    assert kept_x.shape == kept_dx.shape == (10, 2)
    assert np.array_equal(kept_dx, kept_x + 100)
    assert not {4.0, 22.0} & set(kept_x[:, 0])


def test_a_part_has_some_trajectories_or_some_times():
    data = Observations(np.arange(6.0), x, -x)
    second, late = data.part(slice(1, None)), data.part(time=slice(4, None))
    assert np.array_equal(second.x, x[1:])
    assert np.array_equal(second.t, data.t)
    assert np.array_equal(late.dx, -x[:, 4:])
    assert late.t.tolist() == [4.0, 5.0]
