import pytest
import torch
from conftest import encoder

from hnn.pixels.collapse import LEAST, RESTARTS, Collapsed, check_autoencoder, latents, restart_collapsed


class Planted:
    """An autoencoder with planted latent states (clips, time, 2n) and decoded frame pairs, whatever the frames are."""

    def __init__(self, z, decoded):
        self.z, self.decoded = z, decoded

    def encode(self, x):
        return self.z

    def decode(self, z):
        return self.decoded


def following(clips, step=0.2):
    """(latent states that follow a motion, exactly decoded frame pairs) of clips (6, 12, …)."""
    t = step * torch.arange(11.0)
    q = torch.stack([torch.sin(t + phase) for phase in range(len(clips))])[..., None]
    p = torch.stack([torch.cos(t + phase) for phase in range(len(clips))])[..., None]
    flat = clips.flatten(2).float() / 255
    return torch.cat([q, p], -1), torch.cat([flat[:, :-1], flat[:, 1:]], -1)


def test_check_autoencoder_accepts_latent_states_that_follow_the_motion(clips):
    found = check_autoencoder(Planted(*following(clips)), clips, 0.2, "pretrain")
    assert found["latent_spread"] > 0.9
    assert found["latent_rate_r2"] > 0.98
    assert found["decoded_r2"] == pytest.approx(1)


def test_decoded_r2_is_the_share_of_the_variance_of_frames(clips):
    z, exact = following(clips)
    mean = exact.mean((0, 1))
    half = check_autoencoder(Planted(z, mean + 0.75 * (exact - mean)), clips, 0.2, "pretrain")
    assert half["decoded_r2"] == pytest.approx(1 - 0.25**2, rel=1e-5)


@pytest.mark.parametrize("kind", ["a dead unit", "all still", "not canonical", "not a number", "the mean frame"])
def test_check_autoencoder_refuses_a_collapse_with_an_explanation(clips, kind):
    z, decoded = following(clips)
    if kind == "a dead unit":
        z[..., 1] = 0
    elif kind == "all still":
        z = torch.zeros_like(z)
    elif kind == "not canonical":
        z[..., 1] *= -1
    elif kind == "not a number":
        z[0, 0, 0] = torch.nan
    else:
        decoded = decoded.mean((0, 1)).expand_as(decoded)
    with pytest.raises(Collapsed, match=r"pretrain x seed 0: the latent states have collapsed: .* raise pretrain.steps"):
        check_autoencoder(Planted(z, decoded), clips, 0.2, "pretrain x seed 0")


def test_check_autoencoder_detects_a_planted_collapse_in_rendered_frames(clips):
    network = encoder()
    torch.nn.init.zeros_(network.encode.layers[3].weight)
    assert latents(network, clips).shape == (6, 11, 2)
    with pytest.raises(Collapsed):
        check_autoencoder(network, clips, 0.2, "pretrain")
    assert set(LEAST) == {"latent_spread", "latent_rate_r2", "decoded_r2"}


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
