"""The training loop: several models as one batch learn as each alone, without device synchronisation between curve points."""

from dataclasses import replace

import pytest
import torch
from conftest import ONE_BODY_MODELS, RECIPE, network

from hnn.training.loop import CURVE_POINTS, NonFiniteLoss, Problem, clip, minimise
from hnn.training.losses import derivative_loss

X, DX = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def trained(seeds, name="hnn", loss=None, curve_losses=None, labels=None, **changes):
    """Models of these seeds, each trained on its own batches, and their training curves."""
    models = [network(name, seed=seed).double() for seed in seeds]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def loss_on_batch(model, i):
        return derivative_loss(model, X[i], DX[i])

    def draw_batches(i, steps):
        return [torch.randint(40, (len(steps), 8), generator=generators[i])]

    def train_loss(i, model):
        return {"train_loss": float(derivative_loss(model, X, DX).detach())}

    problem = Problem(loss or loss_on_batch, draw_batches, curve_losses or train_loss, generators, [X, DX])
    return models, minimise(models, problem, replace(RECIPE, **changes), labels=labels)


def full_batch(x, dx):
    """The problem of matching the derivatives of all points at once, with an empty curve."""
    return Problem(lambda model: derivative_loss(model, x, dx), lambda i, steps: [], lambda i, model: {"train_loss": 0.0})


def flat_weights(model):
    return torch.cat([w.detach().flatten() for w in model.parameters()])


@pytest.mark.parametrize("name", ONE_BODY_MODELS)
@pytest.mark.parametrize("changes", [{}, {"gradient_clip": 0.05}, {"weight_decay": 0.1, "schedule": "constant"}])
def test_minimise_trains_several_models_as_each_alone(name, changes):
    together, curves = trained([0, 1, 2], name, **changes)
    for seed, (model, curve) in enumerate(zip(together, curves, strict=True)):
        (alone,), (expected,) = trained([seed], name, **changes)
        torch.testing.assert_close(flat_weights(model), flat_weights(alone), rtol=1e-9, atol=1e-11)
        assert [row["step"] for row in curve] == [row["step"] for row in expected]
        assert curve[-1]["train_loss"] == pytest.approx(expected[-1]["train_loss"], rel=1e-9)
    assert not torch.allclose(flat_weights(together[0]), flat_weights(together[1]))


def test_minimise_updates_models_in_place_and_ends_the_sharing_of_storage():
    snapshots = []
    models, _ = trained(
        [0, 1], curve_losses=lambda i, model: {"train_loss": float(snapshots.append(flat_weights(model)) or 0)}
    )
    assert not torch.equal(snapshots[0], snapshots[2])  # of the first model, before and after some steps
    weights = [w for model in models for w in model.parameters()]
    assert len({w.untyped_storage().data_ptr() for w in weights}) == len(weights)


def test_minimise_gives_each_model_a_curve_of_its_own_losses():
    _, curves = trained([0, 1], curve_losses=lambda i, model: {"train_loss": float(i)})
    assert [{row["train_loss"] for row in curve} for curve in curves] == [{0.0}, {1.0}]


def test_minimise_returns_each_model_with_the_weights_of_lowest_validation_loss():
    rising = iter(range(1000))

    def rising_validation_loss(i, model):
        return {"train_loss": 0.0, "validation_loss": float(next(rising))}

    models, _ = trained([0, 1], curve_losses=rising_validation_loss)
    for seed, model in enumerate(models):
        assert torch.equal(flat_weights(model), flat_weights(network("hnn", seed=seed).double()))


def test_minimise_leaves_frozen_weights_unchanged():
    models = [network("hnn", seed=seed).double() for seed in (0, 1)]
    for model in models:
        model.energy.layers[0].requires_grad_(False)
    before = [[w.detach().clone() for w in model.parameters()] for model in models]
    minimise(models, full_batch(X, DX), RECIPE)
    for model, old in zip(models, before, strict=True):
        moved = {name: not torch.equal(w, was) for (name, w), was in zip(model.named_parameters(), old, strict=True)}
        assert {name for name, yes in moved.items() if not yes} == {"energy.layers.0.weight", "energy.layers.0.bias"}


def test_minimise_names_the_first_step_with_a_non_finite_loss():
    count = iter(range(1, 1000))

    def loss(model, i):
        return derivative_loss(model, X[i], DX[i]) * (float("nan") if next(count) == 34 else 1.0)

    with pytest.raises(NonFiniteLoss, match=r"^b: loss nan at step 34 of 200, learning rate"):
        trained([0], loss=loss, steps=200, labels=["b"])


def test_minimise_names_the_model_whose_loss_is_not_finite():
    models = [network("hnn", seed=seed).double() for seed in (0, 1)]
    data = [X, torch.full_like(X, torch.nan)]
    problem = Problem(
        lambda model, x: derivative_loss(model, x, DX),
        lambda i, steps: [data[i].expand(len(steps), 40, 2)],
        lambda i, model: {"train_loss": 0.0},
    )
    with pytest.raises(NonFiniteLoss, match=r"^second: loss nan at step 1 of 60"):
        minimise(models, problem, RECIPE, labels=["first", "second"])


def test_minimise_writes_the_learning_rate_of_the_schedule_into_the_curve():
    _, (curve,) = trained([0], steps=100)
    rates = [row["learning_rate"] for row in curve]
    assert max(rates) == pytest.approx(RECIPE.learning_rate, rel=0.01)
    assert rates.index(max(rates)) == pytest.approx(RECIPE.warmup_fraction * CURVE_POINTS, abs=1)
    assert rates[-1] < rates[0] < max(rates)


def test_minimise_reads_values_from_the_device_at_curve_points_only(monkeypatch):
    """On a GPU each read waits for the device; reads are allowed at the points of the curve, every steps/50."""
    reads = []
    for name in ("item", "__bool__", "__float__", "__int__", "tolist", "cpu", "numpy", "nonzero"):
        original = getattr(torch.Tensor, name)

        def spy(self, *args, original=original, **kwargs):
            reads.append(1)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, spy)
    counts = []
    for steps in (2 * CURVE_POINTS, 4 * CURVE_POINTS):
        reads.clear()
        trained([0, 1], steps=steps, gradient_clip=1.0)
        counts.append(len(reads))
    assert counts[0] == counts[1] > 0


def test_clip_scales_large_gradients_of_each_model_separately():
    small, large = [torch.tensor([0.3, 0.4])], [torch.tensor([3.0]), torch.tensor([4.0])]
    clip([small, large], 1.0)
    assert small[0].tolist() == [0.3, 0.4]
    assert torch.cat(large).tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_minimise_on_cuda_trains_several_models_as_each_alone_on_the_cpu():
    """Up to the accuracy of float32."""
    models = [network("hnn", seed=seed).float().cuda() for seed in (0, 1)]
    x, dx = X.float().cuda(), DX.float().cuda()
    minimise(models, full_batch(x, dx), RECIPE)
    for seed, model in enumerate(models):
        alone = network("hnn", seed=seed).float()
        minimise([alone], full_batch(X.float(), DX.float()), RECIPE)
        torch.testing.assert_close(flat_weights(model).cpu(), flat_weights(alone), rtol=1e-2, atol=1e-3)
