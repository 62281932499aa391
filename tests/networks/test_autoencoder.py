"""The autoencoder of frame pairs."""

import pytest
import torch
from torch import nn

from hnn.networks.autoencoder import Autoencoder, pairs

FRAMES = torch.arange(2 * 4 * 3 * 2 * 2, dtype=torch.uint8).reshape(2, 4, 3, 2, 2)


def autoencoder(latent=2, seed=0, pixels=24):
    generator = torch.Generator().manual_seed(seed)
    return Autoencoder(pixels, hidden=16, latent=latent, time_unit=0.25, generator=generator).double()


def test_pairs_concatenate_neighbouring_frames_with_brightness_between_0_and_1():
    x = pairs(FRAMES, torch.float64)
    assert x.shape == (2, 3, 24)
    torch.testing.assert_close(x[1, 2, :12], FRAMES[1, 2].flatten().double() / 255)
    torch.testing.assert_close(x[1, 2, 12:], FRAMES[1, 3].flatten().double() / 255)


@pytest.mark.parametrize("latent", [2, 4])
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_autoencoder_encode_and_decode_keep_the_batch_shape(latent, batch):
    network = autoencoder(latent)
    z = network.encode(torch.rand(*batch, 24))
    assert z.shape == (*batch, latent)
    assert network.decode(z).shape == (*batch, 24)


def test_autoencoder_has_four_layers_each_way_with_residual_middle_ones():
    network = autoencoder()
    for part in (network.encode, network.decode):
        assert sum(isinstance(module, nn.Linear) for module in part.modules()) == 4
        for layer in (part.layers[1], part.layers[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        x = torch.rand(7, part.layers[0].in_features)
        torch.testing.assert_close(part(x), part.layers[3](torch.relu(part.layers[0](x))))


def test_autoencoder_weights_depend_on_the_generator_alone():
    a, b, c = (autoencoder(seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["encode.layers.0.weight"], c["encode.layers.0.weight"])


def differences(latent=2):
    generator = torch.Generator().manual_seed(0)
    return Autoencoder(24, hidden=16, latent=latent, time_unit=0.25, pair_step=0.2, generator=generator).double()


@pytest.mark.parametrize("latent", [2, 4])
def test_difference_encoder_gives_the_position_in_the_first_frame_and_its_rate_of_change(latent):
    network, x = differences(latent), pairs(FRAMES, torch.float64)
    q, p = network.encode(x).chunk(2, dim=-1)
    torch.testing.assert_close(p[:, :-1], q.diff(dim=1) / 0.2)
    moved = torch.cat([x[..., :12], torch.rand(2, 3, 12)], dim=-1)
    torch.testing.assert_close(network.encode(moved).chunk(2, dim=-1)[0], q)  # independent of the second frame
    still = torch.cat([x[..., :12], x[..., :12]], dim=-1)
    assert (network.encode(still).chunk(2, dim=-1)[1] == 0).all()


@pytest.mark.parametrize("make", [autoencoder, differences])
def test_autoencoder_magnify_scales_latent_states_and_keeps_decoded_frames(make):
    network, x = make().double(), torch.rand(9, 24, dtype=torch.float64)
    z, decoded = network.encode(x).detach(), network.decode(network.encode(x)).detach()
    network.magnify(3.0)
    torch.testing.assert_close(network.encode(x), 3 * z)
    torch.testing.assert_close(network.decode(network.encode(x)), decoded)
