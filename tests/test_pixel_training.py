"""Learning from frames of a small rod, in a few seconds; that it works at full size is what the committed metrics say."""

import pytest
import torch
from conftest import starts_of, truth_of

from hnn import latent
from hnn.autoencoder import Autoencoder, pairs
from hnn.integrators import rollout
from hnn.pixel_training import Collapsed, blurred, check_latents, cut, fit_latent, latents, pretrain, segments
from hnn.rendering import Canvas, render

STEP = 0.2
RECIPE = {"steps": 30, "learning_rate": 3e-3, "schedule": "one_cycle", "weight_decay": 0.0, "gradient_clip": 0.0}
RECIPE |= {"rise": 0.3, "beta1": 0.95, "beta1_at_peak": 0.85, "beta2": 0.999}
PRETRAIN = RECIPE | {
    "batch": 20,
    "segment": 5,
    "blur": 0.1,
    "latent_std": 0.5,
    "relative": True,
    "reconstruction": 1.0,
    "canonical": 0.1,
}
TRAIN = {key: value for key, value in PRETRAIN.items() if key not in ("latent_std", "blur")} | {
    "dynamics": 0.03,
    "autoencoder_rate": 1e-3,
    "freeze_autoencoder": False,
    "settle": 10,
    "settle_rate": 1e-3,
    "settle_batch": 20,
}


@pytest.fixture(scope="module")
def clips():
    """Frames (6, 12, 1, 8, 8) of the rod."""
    truth, x0 = truth_of("pixel_pendulum"), starts_of("pixel_pendulum", 6)
    x = rollout(truth, x0.double(), torch.linspace(0, 0.55, 12, dtype=torch.float64), tolerance=1e-6)
    return render(Canvas(8, 1, 0.2, 1, 0.0, -0.5, 0.8), x, "rod_pendulum", length=1.0)


def encoder(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Autoencoder(128, hidden=16, latent=2, time_unit=0.25, generator=generator).float()


def model(name="hnn", step_map="rk4", seed=0):
    network = {"name": name, "model_hidden": 8, "model_layers": 2, "model_activation": "tanh"}
    about = {"pixels": 128, "hidden": 16, "latent": 2, "time_unit": 0.25, "step_map": step_map, "frame_step": 0.05}
    return latent.make(**about, **network, generator=torch.Generator().manual_seed(seed)).float()


def pretrained(clips, seed=0, **changes):
    generators = [torch.Generator().manual_seed(seed)]
    return pretrain([encoder()], clips[:4], clips[4:], STEP, **(PRETRAIN | changes), generators=generators)[0]


def trained(clips, network=None, seed=0, **changes):
    network = model() if network is None else network
    generators = [torch.Generator().manual_seed(seed)]
    return fit_latent([network], clips[:4], clips[4:], **(TRAIN | changes), generators=generators)[0]


def weights(module):
    return torch.cat([w.detach().flatten() for w in module.parameters()])


def test_a_batch_holds_runs_of_neighbouring_pairs_of_one_clip_each_pair_once(clips):
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


def test_a_blurred_frame_has_its_light_around_where_it_was_and_is_as_bright(clips):
    soft = blurred(clips, 0.1)
    assert soft.shape == clips.shape
    assert soft.dtype == torch.uint8
    assert soft.max() == 255
    assert (soft > 0).sum() > 1.5 * (clips > 0).sum()
    point = torch.zeros(1, 1, 1, 9, 9, dtype=torch.uint8)
    point[..., 4, 4] = 255
    hat = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0])
    expected = (255 * hat[:, None] * hat / 9).round().to(torch.uint8)
    assert torch.equal(blurred(point, 0.12)[0, 0, 0, 2:7, 2:7], expected)


def test_pretraining_lowers_both_losses_and_sets_the_size_of_the_latents(clips):
    found = pretrained(clips, steps=300)
    first, last = found.curve[0], found.curve[-1]
    assert last["reconstruction"] < 0.5 * first["reconstruction"]
    assert last["canonical"] < 0.5 * first["canonical"]
    assert latents(found.model, clips[:4]).std().item() == pytest.approx(0.5, rel=1e-5)
    assert found.losses["test_loss"] == pytest.approx(found.losses["reconstruction"] + 0.1 * found.losses["canonical"])


def test_relative_losses_do_not_reward_small_latents(clips):
    before = pretrained(clips, steps=0, latent_std=0).losses
    small = pretrained(clips, steps=0, latent_std=1e-3).losses
    assert small["canonical"] == pytest.approx(before["canonical"], rel=1e-4)
    published = pretrained(clips, steps=0, latent_std=1e-3, relative=False).losses
    assert published["canonical"] < 1e-4 * before["canonical"]


@pytest.mark.parametrize("name", ["hnn", "baseline"])
@pytest.mark.parametrize("step_map", ["rk4", "euler"])
def test_training_lowers_the_loss_and_moves_every_layer(clips, name, step_map):
    network = model(name, step_map)
    before = {key: w.clone() for key, w in network.state_dict().items()}
    found = trained(clips, network, steps=200)
    assert found.losses["train_loss"] < 0.7 * found.curve[0]["train_loss"]
    assert found.losses.keys() >= {"reconstruction", "canonical", "dynamics", "test_loss"}
    assert not [key for key, w in network.state_dict().items() if torch.equal(w, before[key])]


def test_a_frozen_autoencoder_stays_as_it_is_and_the_dynamics_learn(clips):
    network = model()
    before = weights(network.autoencoder), weights(network.dynamics)
    found = trained(clips, network, freeze_autoencoder=True, steps=100)
    assert torch.equal(weights(network.autoencoder), before[0])
    assert not torch.equal(weights(network.dynamics), before[1])
    assert found.losses["dynamics"] < found.curve[0]["dynamics"]


def test_the_dynamics_settle_on_a_finished_autoencoder(clips):
    joint, settled = trained(clips, settle=0), trained(clips, settle=20)
    assert torch.equal(weights(joint.model.autoencoder), weights(settled.model.autoencoder))
    assert not torch.equal(weights(joint.model.dynamics), weights(settled.model.dynamics))
    assert [row["step"] for row in settled.curve] == list(range(51))


def test_the_same_seed_gives_the_same_bytes_and_another_others(clips):
    a, b, c = (weights(trained(clips, seed=seed).model) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_latents_that_follow_the_motion_are_alive():
    t = torch.linspace(0, 6, 61)
    q = torch.stack([torch.sin(t + phase) for phase in range(4)])[..., None]
    z = torch.cat([q, torch.cos(torch.asin(q))], -1)
    z[..., 1] = torch.gradient(q[..., 0], spacing=0.1, dim=1)[0]
    found = check_latents(z, 0.1, "pretrain")
    assert found["latent_rate_r2"] > 0.99
    assert found["latent_spread"] > 0.9


@pytest.mark.parametrize("kind", ["a dead unit", "all still", "not canonical", "not a number"])
def test_latents_that_have_collapsed_stop_the_stage_with_an_explanation(kind):
    z = torch.randn(4, 50, 2, generator=torch.Generator().manual_seed(0)).cumsum(1)
    if kind == "a dead unit":
        z[..., 1] = 0
    elif kind == "all still":
        z = torch.zeros_like(z)
    elif kind == "not a number":
        z[0, 0, 0] = torch.nan
    with pytest.raises(Collapsed, match=r"pretrain x seed 0: the latent states have collapsed: .* raise pretrain.steps"):
        check_latents(z, 0.2, "pretrain x seed 0")


def test_a_planted_collapse_is_found_in_real_frames(clips):
    network = encoder()
    torch.nn.init.zeros_(network.encode.layers[3].weight)
    with pytest.raises(Collapsed):
        check_latents(latents(network, clips), STEP, "pretrain")
    assert pairs(clips).shape == (6, 11, 128)


def test_several_seeds_as_one_batch_learn_what_each_learns_alone(clips):
    """As on a GPU; to what the order of summing changes in float32."""
    step = {"steps": 12, "batch": 20}

    def generators(seeds):
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    def encoders(seeds):
        return [encoder(seed) for seed in seeds]

    def models(seeds):
        return [model("hnn", seed=seed) for seed in seeds]

    def both(seeds):
        yield pretrain(encoders(seeds), clips[:4], clips[4:], STEP, **(PRETRAIN | step), generators=generators(seeds))
        yield fit_latent(models(seeds), clips[:4], clips[4:], **(TRAIN | step), generators=generators(seeds))

    for together, first, second in zip(both([0, 1]), both([0]), both([1]), strict=True):
        for found, alone in zip(together, [*first, *second], strict=True):
            torch.testing.assert_close(weights(found.model), weights(alone.model), rtol=1e-2, atol=1e-4)
            assert found.losses == pytest.approx(alone.losses, rel=1e-2)
