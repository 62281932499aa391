"""Training from frames of a small rod, in a few seconds; the committed metrics show the full size."""

from dataclasses import replace

import pytest
import torch
from conftest import RECIPE, encoder

from hnn.core.trajectories import of_seeds
from hnn.pixels.collapse import latents
from hnn.pixels.latent_model import make_latent_model
from hnn.pixels.training import LatentTraining, Pretraining, blurred, cut, fit_latent, pretrain, segments

STEP = 0.2
SHORT = replace(RECIPE, steps=30, learning_rate=3e-3)
BOTH = {"batch": 20, "segment": 5, "relative": True, "reconstruction": 1.0, "canonical": 0.1}
PRETRAIN = Pretraining(**BOTH, blur=0.1, rescale_latents_to_std=0.5)
TRAIN = LatentTraining(
    **BOTH,
    dynamics=0.03,
    autoencoder_rate=1e-3,
    freeze_autoencoder=False,
    dynamics_only_steps=10,
    dynamics_only_rate=1e-3,
    dynamics_only_batch=20,
    output_layer_segment=0,
)


def model(name="hnn", step_map="rk4", seed=0):
    network = {"name": name, "model_hidden": 8, "model_layers": 2, "model_activation": "tanh"}
    about = {"pixels": 128, "hidden": 16, "latent": 2, "time_unit": 0.25, "step_map": step_map, "frame_step": 0.05}
    return make_latent_model(**about, **network, generator=torch.Generator().manual_seed(seed)).float()


def generators(seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def pretrained(clips, encoders=None, seeds=(0,), steps=30, train=None, **changes):
    recipe, options = replace(SHORT, steps=steps), replace(PRETRAIN, **changes)
    encoders = encoders or [encoder()]
    return pretrain(encoders, train or [clips[:4]], clips[4:], STEP, recipe, options, generators=generators(seeds))


def trained(clips, models=None, seeds=(0,), steps=30, train=None, **changes):
    recipe, options = replace(SHORT, steps=steps), replace(TRAIN, **changes)
    models = models or [model()]
    return fit_latent(models, train or [clips[:4]], clips[4:], recipe, options, generators=generators(seeds))


def weights(module):
    return torch.cat([w.detach().flatten() for w in module.parameters()])


def test_pretrain_lowers_both_losses_and_rescales_the_latents(clips):
    (found,) = pretrained(clips, steps=300)
    first, last = found.curve[0], found.curve[-1]
    assert last["reconstruction"] < 0.5 * first["reconstruction"]
    assert last["canonical"] < 0.5 * first["canonical"]
    assert latents(found.model, clips[:4]).std().item() == pytest.approx(0.5, rel=1e-5)
    assert found.losses["test_loss"] == pytest.approx(found.losses["reconstruction"] + 0.1 * found.losses["canonical"])


def test_pretrain_relative_losses_do_not_reward_small_latents(clips):
    before = pretrained(clips, steps=0, rescale_latents_to_std=0)[0].losses
    small = pretrained(clips, steps=0, rescale_latents_to_std=1e-3)[0].losses
    assert small["canonical"] == pytest.approx(before["canonical"], rel=1e-4)
    published = pretrained(clips, steps=0, rescale_latents_to_std=1e-3, relative=False)[0].losses
    assert published["canonical"] < 1e-4 * before["canonical"]


@pytest.mark.parametrize("name", ["hnn", "baseline"])
@pytest.mark.parametrize("step_map", ["rk4", "euler"])
def test_fit_latent_lowers_the_loss_and_changes_every_layer(clips, name, step_map):
    network = model(name, step_map)
    before = {key: w.clone() for key, w in network.state_dict().items()}
    (found,) = trained(clips, [network], steps=200)
    assert found.losses["train_loss"] < 0.7 * found.curve[0]["train_loss"]
    assert found.losses.keys() >= {"reconstruction", "canonical", "dynamics", "test_loss"}
    assert not [key for key, w in network.state_dict().items() if torch.equal(w, before[key])]


def test_fit_latent_with_a_frozen_autoencoder_trains_the_dynamics_alone(clips):
    network = model()
    before = weights(network.autoencoder), weights(network.dynamics)
    (found,) = trained(clips, [network], freeze_autoencoder=True, steps=100)
    assert torch.equal(weights(network.autoencoder), before[0])
    assert not torch.equal(weights(network.dynamics), before[1])
    assert found.losses["dynamics"] < found.curve[0]["dynamics"]


def test_fit_latent_ends_with_steps_of_the_dynamics_alone(clips):
    (joint,), (settled,) = trained(clips, dynamics_only_steps=0), trained(clips, dynamics_only_steps=20)
    assert torch.equal(weights(joint.model.autoencoder), weights(settled.model.autoencoder))
    assert not torch.equal(weights(joint.model.dynamics), weights(settled.model.dynamics))
    assert [row["step"] for row in settled.curve] == list(range(51))


def test_fit_latent_repeats_its_bytes_with_its_seed(clips):
    a, b, c = (weights(trained(clips, seeds=[seed])[0].model) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("own", [False, True])
def test_fit_latent_of_several_seeds_as_one_batch_equals_each_alone_on_its_training_data(clips, own):
    """As on a GPU; to what the order of summing changes in float32. Seeds share their training clips or have `own` ones."""
    draws = [clips[:3], clips[3:]] if own else [clips[:4]]

    def both(seeds):
        train = of_seeds(draws, seeds)
        yield pretrained(clips, [encoder(seed) for seed in seeds], seeds, steps=12, train=train)
        yield trained(clips, [model(seed=seed) for seed in seeds], seeds, steps=12, train=train)

    for together, first, second in zip(both([0, 1]), both([0]), both([1]), strict=True):
        for found, alone in zip(together, [*first, *second], strict=True):
            torch.testing.assert_close(weights(found.model), weights(alone.model), rtol=1e-2, atol=1e-4)
            assert found.losses == pytest.approx(alone.losses, rel=1e-2)
            assert found.curve[-1] == pytest.approx(alone.curve[-1], rel=1e-2)


def test_segments_are_runs_of_neighbouring_pairs_within_one_clip():
    numbered = torch.arange(6 * 12, dtype=torch.uint8).reshape(6, 12, 1, 1, 1)
    clip, start = segments(numbered, 4, 50, torch.Generator().manual_seed(0), 3)
    assert clip.shape == start.shape == (3, 50, 1)
    x = 255 * cut(numbered, clip[0], start[0], 4)
    assert x.shape == (50, 4, 2)
    first = x[:, :1, :1].round()
    expected = first + torch.arange(4.0)[None, :, None] + torch.arange(2.0)
    torch.testing.assert_close(x, expected, check_dtype=False, rtol=0, atol=1e-4)
    assert (first.squeeze() // 12 == (first.squeeze() + 4) // 12).all()  # no run leaves its clip
    assert set((first.squeeze() % 12).tolist()) == set(range(8))  # every run that fits


def test_blurred_spreads_light_with_a_triangular_kernel_and_keeps_the_brightest_white(clips):
    soft = blurred(clips, 0.1)
    assert soft.shape == clips.shape
    assert soft.dtype == torch.uint8
    assert soft.max() == 255
    assert (soft > 0).sum() > 1.5 * (clips > 0).sum()
    point = torch.zeros(1, 1, 1, 9, 9, dtype=torch.uint8)
    point[..., 4, 4] = 255
    triangle = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0])
    expected = (255 * triangle[:, None] * triangle / 9).round().to(torch.uint8)
    assert torch.equal(blurred(point, 0.12)[0, 0, 0, 2:7, 2:7], expected)


def test_fit_latent_leaves_the_output_layer_of_an_euler_map_as_it_is(clips):
    (before,), (after,) = (trained(clips, [model("hnn", "euler")], output_layer_segment=k) for k in (0, 6))
    assert torch.equal(weights(before.model), weights(after.model))


@pytest.mark.parametrize("name", ["hnn", "baseline"])
def test_fit_latent_ends_with_an_output_layer_that_follows_many_steps_more_closely(clips, name):
    (before,), (after,) = (trained(clips, [model(name, "rk4")], output_layer_segment=k) for k in (0, 6))
    assert torch.equal(weights(before.model.autoencoder), weights(after.model.autoencoder))
    last = [
        key
        for key, w in before.model.dynamics.state_dict().items()
        if not torch.equal(w, after.model.dynamics.state_dict()[key])
    ]
    assert [key.split(".", 1)[1] for key in last] == ["layers.2.weight"]
    z = latents(after.model.autoencoder, clips[:4])[:, :7]
    errors = []
    for network in (before.model, after.model):
        path = z[:, 0]
        for _ in range(6):
            path = network(path)
        errors.append((path - z[:, -1]).square().mean().item())
    assert errors[1] < 0.9 * errors[0]
    assert after.curve[-1]["dynamics"] != before.curve[-1]["dynamics"]
    assert after.curve[-1]["step"] == before.curve[-1]["step"]
