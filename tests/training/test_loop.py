"""The descent: several models as one batch learn what each would learn alone, and nothing waits for the device."""

from dataclasses import replace

import pytest
import torch
from conftest import MODELS, RECIPE, network

from hnn.training.loop import CURVE_POINTS, NonFiniteLoss, clip, minimise
from hnn.training.losses import derivative_loss

X, DX = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def descended(seeds, name="hnn", loss=None, watch=None, labels=None, **changes):
    """Models of these seeds, each trained on batches of its own, and their curves."""
    models = [network(name, seed=seed).double() for seed in seeds]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def on_batch(model, i):
        return derivative_loss(model, X[i], DX[i])

    def draw(i, count):
        return [torch.randint(40, (count, 8), generator=generators[i])]

    def losses(model):
        return {"train_loss": float(derivative_loss(model, X, DX).detach())}

    curves = minimise(models, loss or on_batch, draw, watch or losses, replace(RECIPE, **changes), labels=labels)
    return models, curves


def flat(model):
    return torch.cat([w.detach().flatten() for w in model.parameters()])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("changes", [{}, {"gradient_clip": 0.05}, {"weight_decay": 0.1, "schedule": "constant"}])
def test_a_stack_of_models_learns_what_each_learns_alone(name, changes):
    together, curves = descended([0, 1, 2], name, **changes)
    for seed, (model, curve) in enumerate(zip(together, curves, strict=True)):
        (alone,), (its,) = descended([seed], name, **changes)
        torch.testing.assert_close(flat(model), flat(alone), rtol=1e-9, atol=1e-11)
        assert [row["step"] for row in curve] == [row["step"] for row in its]
        assert curve[-1]["train_loss"] == pytest.approx(its[-1]["train_loss"], rel=1e-9)
    assert not torch.allclose(flat(together[0]), flat(together[1]))


def test_models_of_a_stack_are_seen_as_they_are_trained_and_own_their_weights_afterwards():
    seen = []
    models, _ = descended([0, 1], watch=lambda model: {"train_loss": float(seen.append(flat(model)) or 0)})
    assert not torch.equal(seen[0], seen[2])  # of the first model, before and after some steps
    weights = [w for model in models for w in model.parameters()]
    assert len({w.untyped_storage().data_ptr() for w in weights}) == len(weights)


def test_each_model_of_a_stack_keeps_its_best_weights():
    rising = iter(range(1000))

    def watch(model):
        return {"train_loss": 0.0, "validation_loss": float(next(rising))}

    models, _ = descended([0, 1], watch=watch)
    for seed, model in enumerate(models):
        assert torch.equal(flat(model), flat(network("hnn", seed=seed).double()))


def test_frozen_weights_stay_and_others_learn_in_a_stack():
    models = [network("hnn", seed=seed).double() for seed in (0, 1)]
    for model in models:
        model.energy.layers[0].requires_grad_(False)
    before = [[w.detach().clone() for w in model.parameters()] for model in models]
    minimise(
        models,
        lambda model: derivative_loss(model, X, DX),
        lambda i, count: [],
        lambda model: {"train_loss": 0.0},
        RECIPE,
    )
    for model, old in zip(models, before, strict=True):
        moved = {name: not torch.equal(w, was) for (name, w), was in zip(model.named_parameters(), old, strict=True)}
        assert {name for name, yes in moved.items() if not yes} == {"energy.layers.0.weight", "energy.layers.0.bias"}


def test_the_first_loss_that_is_no_number_is_named_though_it_is_seen_later():
    count = iter(range(1, 1000))

    def loss(model, i):
        return derivative_loss(model, X[i], DX[i]) * (float("nan") if next(count) == 34 else 1.0)

    with pytest.raises(NonFiniteLoss, match=r"^b: loss nan at step 34 of 200, learning rate"):
        descended([0], loss=loss, steps=200, labels=["b"])


def test_nothing_in_the_loop_reads_a_value_from_the_device(monkeypatch):
    """On a GPU each such read would wait for it; only the looks at the curve may, once in steps/50."""
    reads = []
    for name in ("item", "__bool__", "__float__", "__int__", "tolist", "cpu", "numpy", "nonzero"):
        original = getattr(torch.Tensor, name)

        def spy(self, *args, original=original, **kwargs):
            reads.append(1)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, spy)
    counts = []
    for steps in (2 * CURVE_POINTS, 8 * CURVE_POINTS):
        reads.clear()
        descended([0, 1], steps=steps, gradient_clip=1.0)
        counts.append(len(reads))
    assert counts[0] == counts[1] > 0


def test_clipping_leaves_small_gradients_and_scales_large_ones_of_each_model_alone():
    small, large = [torch.tensor([0.3, 0.4])], [torch.tensor([3.0]), torch.tensor([4.0])]
    clip([small, large], 1.0)
    assert small[0].tolist() == [0.3, 0.4]
    assert torch.cat(large).tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_a_stack_learns_what_each_learns_alone():
    """As on the CPU, to the accuracy of float32."""
    models = [network("hnn", seed=seed).float().cuda() for seed in (0, 1)]
    x, dx = X.float().cuda(), DX.float().cuda()
    minimise(models, lambda m: derivative_loss(m, x, dx), lambda i, n: [], lambda m: {"train_loss": 0.0}, RECIPE)
    for seed, model in enumerate(models):
        alone = network("hnn", seed=seed).float()
        minimise(
            [alone],
            lambda m: derivative_loss(m, X.float(), DX.float()),
            lambda i, n: [],
            lambda m: {"train_loss": 0.0},
            RECIPE,
        )
        torch.testing.assert_close(flat(model).cpu(), flat(alone), rtol=1e-2, atol=1e-3)
