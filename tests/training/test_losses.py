"""The loss of derivative matching."""

import numpy as np
import pytest
import torch
from conftest import FunctionField, observed, truth_of

from hnn.training.losses import derivative_loss


def test_derivative_loss_is_the_mean_over_points_and_components():
    zero = FunctionField(torch.zeros_like)
    dx = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]])
    assert derivative_loss(zero, torch.randn(3, 2), dx).item() == pytest.approx((1 + 4 + 9) / 6)


def test_derivative_loss_of_the_true_field_is_due_to_noise_on_the_states():
    """With noise σ on x a linear field has the loss mean |A ε|²; for A = J ∇∇H = ((0, 2), (-2, 0)) it is 4 σ²."""
    truth = truth_of("mass_spring")
    for noise, expected in ((0.0, 0.0), (0.1, 4 * 0.1**2)):
        x, dx = map(torch.from_numpy, observed("mass_spring", trajectories=100, points=100, noise=noise).points())
        assert derivative_loss(truth, x, dx).item() == pytest.approx(expected, rel=0.05, abs=1e-20)


def test_derivative_loss_is_nan_for_nan_data():
    assert derivative_loss(
        FunctionField(torch.zeros_like), torch.zeros(2, 2), torch.tensor([[0.0, np.nan], [0.0, 0.0]])
    ).isnan()
