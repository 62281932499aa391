import re

import pytest
import torch

import hnn
from hnn.core.cell import Cell
from hnn.files import artifacts, paths
from hnn.pixels.latent_model import make_latent_model

ABOUT = {
    "pixels": 32,
    "hidden": 16,
    "latent": 2,
    "time_unit": 0.25,
    "name": "hnn",
    "model_hidden": 8,
    "model_layers": 2,
    "model_activation": "tanh",
    "step_map": "rk4",
    "frame_step": 0.05,
}
FRAMES = torch.randint(256, (3, 4, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def member(seed):
    return make_latent_model(**ABOUT, generator=torch.Generator().manual_seed(seed)).float()


@pytest.fixture
def project(tmp_path):
    """A project with one trained pixel cell of two seeds."""
    path = tmp_path / paths.weights_path(Cell("pixel_pendulum", "hnn", "rk4"))
    artifacts.write_weights(path, [member(seed).state_dict() for seed in (0, 1)], ABOUT)
    return tmp_path


def test_load_pixels_gives_the_trained_network_in_double_precision(project):
    model, trained = hnn.load_pixels("pixel_pendulum", "hnn", root=project, seed=1), member(1).double()
    z = model.encode(FRAMES)
    assert z.shape == (3, 3, 2)
    torch.testing.assert_close(model.decode(z), trained.autoencoder.decode(z).detach()[..., :16])
    torch.testing.assert_close(model.hamiltonian(z), trained.dynamics.hamiltonian(z).detach())


@pytest.mark.parametrize("batch", [(), (3,)])
def test_rollout_of_two_frames_is_one_latent_state_per_frame(project, batch):
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=project)
    frames = FRAMES[:, :2] if batch else FRAMES[0, :2]
    z = model.rollout(frames, 5)
    assert z.shape == (*batch, 6, 2)
    torch.testing.assert_close(z[..., 0, :], model.encode(frames)[..., 0, :])
    torch.testing.assert_close(z[..., 1, :], model.network(z[..., 0, :]))


def test_load_pixels_names_the_cells_and_seeds_that_exist(project):
    with pytest.raises(FileNotFoundError, match=r"pixel_pendulum-hnn-euler .* there: pixel_pendulum-hnn-rk4"):
        hnn.load_pixels("pixel_pendulum", "hnn", step_map="euler", root=project)
    with pytest.raises(ValueError, match=re.escape("seed: given 2, allowed: 0 to 1")):
        hnn.load_pixels("pixel_pendulum", "hnn", root=project, seed=2)
