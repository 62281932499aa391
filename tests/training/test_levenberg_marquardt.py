"""The Levenberg-Marquardt fit of all weights: its derivatives are those of trajectories, and it finds a planted field."""

import pytest
import torch

from hnn.integrators.fixed_step import RK4, Substeps
from hnn.models.base import make_model
from hnn.training.levenberg_marquardt import Flat, Segments, StepMap, fit_all_weights, linearised, sensitivities, trajectories

MODELS = ["baseline", "hnn", "dissipative_hnn", "port_hnn", "mechanical_hnn", "second_order", "separable_hnn"]


def model_of(name, degrees=1, seed=0, hidden=5, activation="tanh"):
    """A small model in float64."""
    generator = torch.Generator().manual_seed(seed)
    return make_model(name, degrees, hidden=hidden, layers=2, activation=activation, generator=generator).double()


def states(*shape, seed=0):
    """Random states."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("degrees", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_sensitivities_are_the_derivatives_of_a_step(name, degrees):
    step = StepMap(model_of(name, degrees), Substeps(RK4, 2))
    flat, x, dt = Flat(step), states(3, 2 * degrees), torch.tensor([[0.1], [0.2], [0.3]], dtype=torch.float64)
    tangent, by_weights = sensitivities(step, flat, x, dt)
    w, shift = flat.read(), 1e-6
    with torch.no_grad():
        for direction in (0, 1):  # of the weights, of the states
            dw, dx = states(len(w), seed=1) * (direction == 0), states(2 * degrees, seed=2) * (direction == 1)
            ends = []
            for sign in (1, -1):
                flat.write(w + sign * shift * dw)
                ends.append(step(x + sign * shift * dx, dt))
            flat.write(w)
            expected = (ends[0] - ends[1]) / (2 * shift)
            found = by_weights @ dw + tangent @ dx
            torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("activation", ["softplus", "silu", "relu"])
def test_sensitivities_hold_for_every_activation(activation):
    step = StepMap(model_of("hnn", activation=activation), RK4)
    flat, x, dt = Flat(step), states(2, 2), torch.full((2, 1), 0.1, dtype=torch.float64)
    _, by_weights = sensitivities(step, flat, x, dt)
    w, dw, shift = flat.read(), states(flat.read().numel(), seed=1), 1e-7
    with torch.no_grad():
        flat.write(w + shift * dw)
        moved = step(x, dt)
        flat.write(w)
        torch.testing.assert_close(by_weights @ dw, (moved - step(x, dt)) / shift, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("segments", [1, 40])  # fewer and more residuals than weights
def test_a_step_lowers_the_sum_as_its_linear_problem_says(segments):
    truth, model = model_of("hnn", seed=1), model_of("hnn", seed=1)
    intervals = torch.full((segments, 4, 1), 0.2, dtype=torch.float64)
    with torch.no_grad():
        x = trajectories(StepMap(truth, RK4), states(segments, 2), intervals)
        for parameter in model.parameters():
            parameter.add_(1e-4 * torch.randn_like(parameter))
        data, step = Segments(x, intervals), StepMap(model, RK4)
        flat = Flat(step)
        at = trajectories(step, x[:, 0], intervals)
        problem = linearised(step, flat, at, data)
        change = problem.solve(1e-12)
        flat.write(flat.read() + change)
        moved = trajectories(step, x[:, 0] + problem.start_change(change), intervals)
    before, after = ((states - x).square().mean().item() for states in (at, moved))
    assert after < 1e-4 * before


def test_a_planted_field_is_found_from_trajectories_at_uneven_times():
    truth, model = model_of("hnn", seed=3), model_of("hnn", seed=4)
    generator = torch.Generator().manual_seed(0)
    intervals = 0.1 + 0.2 * torch.rand(30, 8, 1, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        x = trajectories(StepMap(truth, RK4), states(30, 2), intervals)
    lowest = fit_all_weights(model, RK4, Segments(x, intervals), iterations=60)
    assert lowest < 1e-5 * float(x.var())
    again = states(50, 2, seed=9)
    error = (model.time_derivative(again) - truth.time_derivative(again)).square().mean()
    assert error < 0.02 * truth.time_derivative(again).square().mean()


def test_a_fit_that_cannot_be_better_leaves_the_weights():
    model = model_of("hnn")
    intervals = torch.full((3, 4, 1), 0.2, dtype=torch.float64)
    with torch.no_grad():
        x = trajectories(StepMap(model, RK4), states(3, 2), intervals)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert fit_all_weights(model, RK4, Segments(x, intervals)) == 0
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
