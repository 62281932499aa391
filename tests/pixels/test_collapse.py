import pytest
import torch
from conftest import encoder

from hnn.networks.autoencoder import pairs
from hnn.pixels.collapse import Collapsed, check_latents, latents


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
