import pytest
import torch
from conftest import encoder

from hnn.networks.autoencoder import pairs
from hnn.pixels.collapse import RESTARTS, Collapsed, check_latents, latents, restart_collapsed


def test_check_latents_accepts_latents_that_follow_the_motion():
    t = torch.linspace(0, 6, 61)
    q = torch.stack([torch.sin(t + phase) for phase in range(4)])[..., None]
    z = torch.cat([q, torch.cos(torch.asin(q))], -1)
    z[..., 1] = torch.gradient(q[..., 0], spacing=0.1, dim=1)[0]
    found = check_latents(z, 0.1, "pretrain")
    assert found["latent_rate_r2"] > 0.99
    assert found["latent_spread"] > 0.9


@pytest.mark.parametrize("kind", ["a dead unit", "all still", "not canonical", "not a number"])
def test_check_latents_refuses_collapsed_latents_with_an_explanation(kind):
    z = torch.randn(4, 50, 2, generator=torch.Generator().manual_seed(0)).cumsum(1)
    if kind == "a dead unit":
        z[..., 1] = 0
    elif kind == "all still":
        z = torch.zeros_like(z)
    elif kind == "not a number":
        z[0, 0, 0] = torch.nan
    with pytest.raises(Collapsed, match=r"pretrain x seed 0: the latent states have collapsed: .* raise pretrain.steps"):
        check_latents(z, 0.2, "pretrain x seed 0")


def test_check_latents_detects_a_planted_collapse_in_rendered_frames(clips):
    network = encoder()
    torch.nn.init.zeros_(network.encode.layers[3].weight)
    with pytest.raises(Collapsed):
        check_latents(latents(network, clips), 0.2, "pretrain")
    assert pairs(clips).shape == (6, 11, 128)


def collapsing(times):
    """(fit, check) of seeds whose first fits, `times[seed]` of them, collapse; a fit is its own number."""
    made = dict.fromkeys(range(len(times)), -1)

    def fit(seeds):
        for seed in seeds:
            made[seed] += 1
        return [made[seed] for seed in seeds]

    def check(seed, number):
        if number < times[seed]:
            raise Collapsed(f"seed {seed}: collapsed")
        return {"latent_spread": 1.0}

    return fit, check


def test_restart_collapsed_fits_the_collapsed_seeds_alone_again_and_counts():
    found = restart_collapsed(*collapsing([0, 2, 0]), [0, 1, 2])
    assert [fitted for fitted, _ in found] == [0, 2, 0]
    assert [about["restarts"] for _, about in found] == [0, 2, 0]


def test_restart_collapsed_gives_up_after_the_last_restart():
    assert restart_collapsed(*collapsing([RESTARTS]), [0])[0][1]["restarts"] == RESTARTS
    with pytest.raises(Collapsed, match=f"seed 0: collapsed; fitted {RESTARTS + 1} times"):
        restart_collapsed(*collapsing([RESTARTS + 1]), [0])
