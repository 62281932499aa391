import re
from dataclasses import asdict

import numpy as np
import pytest
import torch
from conftest import starts_of, truth_of

import hnn
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.files import artifacts, paths
from hnn.integrators.solve import Solver, rollout
from hnn.pixels.frame_format import FrameFormat
from hnn.pixels.latent_model import make_latent_model
from hnn.pixels.probe import Probe
from hnn.pixels.trained import TrainedPixels
from hnn.rendering.canvas import Canvas, render

SIZE = 16
CANVAS = Canvas(SIZE, 1, 0.14, 2, 0.0, -0.5, 0.7)
SYSTEM = {"name": "rod_pendulum", "mass": 1.0, "length": 1.0, "gravity": 10.0}
CELL = Cell("pixel_pendulum", "hnn", "rk4")
ABOUT = {
    "pixels": 2 * SIZE**2,
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
FRAMES = torch.randint(256, (3, 4, 1, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def member(seed):
    return make_latent_model(**ABOUT, generator=torch.Generator().manual_seed(seed)).float()


@pytest.fixture
def project(tmp_path):
    """A project with one trained pixel cell of two seeds."""
    path = tmp_path / paths.weights_path(CELL)
    artifacts.write_weights(path, [member(seed).state_dict() for seed in (0, 1)], ABOUT)
    return tmp_path


PROBES = [
    Probe(1, np.zeros(2), np.ones(2), np.array([[0.5, 0.0], [1.0, 0.0], [0.0, 2.0]])),
    Probe(2, np.array([0.5, 0.0]), np.array([2.0, 1.0]), np.array([[0, 0], [1, 0], [0, 0], [0, 0], [0, 1], [0, 0]], float)),
]
"""x = (z₁ + 1/2, 2 z₂), and with u = ((z₁ - 1/2)/2, z₂): x = (u₁, u₁ u₂)."""


@pytest.fixture
def complete(project, monkeypatch):
    """`project` with probes of both seeds, and with the canvas."""
    monkeypatch.chdir(project)
    artifacts.write_probes(CELL, [asdict(probe) for probe in PROBES])
    artifacts.write_canvas("pixel_pendulum", asdict(CANVAS), SYSTEM)
    monkeypatch.chdir("/")
    return project


def test_load_pixels_gives_the_trained_network_in_double_precision(project):
    model, trained = hnn.load_pixels("pixel_pendulum", "hnn", root=project, seed=1), member(1).double()
    z = model.encode(FRAMES)
    assert z.shape == (3, 3, 2)
    torch.testing.assert_close(model.decode(z), trained.autoencoder.decode(z).detach()[..., : SIZE**2])
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


def test_encode_and_rollout_take_bytes_and_floats_tensors_and_arrays(project):
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=project)
    for frames in (FRAMES.double(), FRAMES.numpy(), FRAMES.numpy().astype(np.float32)):
        assert torch.equal(model.encode(frames), model.encode(FRAMES))
        assert torch.equal(model.rollout(frames, 3), model.rollout(FRAMES[:, :2], 3))


def test_read_latents_gives_the_states_of_the_probe_of_the_seed(complete):
    z = torch.tensor([[[0.1, 0.2], [0.5, -1.0]]])
    first, second = (hnn.load_pixels("pixel_pendulum", "hnn", seed=seed, root=complete) for seed in (0, 1))
    torch.testing.assert_close(first.read_latents(z), torch.tensor([[[0.6, 0.4], [1.0, -2.0]]]))
    torch.testing.assert_close(second.read_latents(z), torch.tensor([[[-0.2, -0.04], [0.0, 0.0]]]))


def test_read_gives_one_state_for_each_pair_of_frames(complete):
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=complete)
    z = model.encode(FRAMES)
    torch.testing.assert_close(model.read(FRAMES), torch.stack([z[..., 0] + 0.5, 2 * z[..., 1]], -1))
    assert model.read(FRAMES[0]).shape == (3, 2)


def test_read_pictures_gives_the_true_states_of_true_frames_without_a_probe(complete):
    """The nets are at initial weights: the states come from the pictures."""
    (complete / paths.probes_path(CELL)).unlink()
    t = torch.linspace(0, 0.95, 20)
    x = rollout(truth_of("pixel_pendulum"), starts_of("pixel_pendulum", 3), t, Solver())
    frames = render(CANVAS, x, **SYSTEM)
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=complete)
    read = model.read_pictures(frames)
    assert read.shape == (3, 20, 2)
    assert (read - x)[:, 1:-1].abs().max() < 0.02 * x.abs().max()
    assert (read.roll(1, 1) - x)[:, 1:-1].abs().max() > 0.1 * x.abs().max()  # a frame too late
    assert torch.equal(model.read_pictures(frames.double().numpy()), read)


METHODS = {
    "encode": lambda model, frames: model.encode(frames),
    "rollout": lambda model, frames: model.rollout(frames, 3),
    "read": lambda model, frames: model.read(frames),
    "read_pictures": lambda model, frames: model.read_pictures(frames),
}
LONG = FRAMES.repeat(1, 3, 1, 1, 1).double()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (LONG[..., :8, :8], "given 8 x 8, this cell was trained on 16 x 16: resample"),
        (LONG.expand(-1, -1, 3, -1, -1), "given 3 channels (colours), this cell was trained on 1 (grey)"),
        (LONG[:, :1], "given 1, must be at least"),
        (LONG + 1, "given brightness 1 to 256, must be 0 to 255"),
        (LONG.where(LONG != 7, torch.nan), "given brightness nan to nan, must be 0 to 255"),
    ],
    ids=["size", "colours", "one", "bright", "nan"],
)
def test_trained_pixels_refuse_frames_unlike_those_of_training(complete, method, frames, said):
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=complete)
    with pytest.raises(ValueError, match=re.escape(f"frames: {said}")):
        METHODS[method](model, frames)


def test_trained_pixels_refuse_other_latents_counts_and_too_short_clips(complete):
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=complete)
    with pytest.raises(ValueError, match=re.escape("z: given the shape (5, 3), must be (…, 2): latent states")):
        model.read_latents(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="count: given -1, must be at least 0"):
        model.rollout(FRAMES, -1)
    with pytest.raises(ValueError, match="frames: given 4, must be at least 9"):
        model.read_pictures(FRAMES)


def test_load_pixels_without_probes_and_canvas_encodes_and_names_what_is_missing(project):
    model = hnn.load_pixels("pixel_pendulum", "hnn", root=project)
    assert model.rollout(FRAMES, 2).shape == (3, 3, 2)
    with pytest.raises(FileNotFoundError, match=r"data/probes/pixel_pendulum-hnn-rk4.npz is not there; run `make repro`"):
        model.read(FRAMES)
    with pytest.raises(FileNotFoundError, match=r"data/results/render/pixel_pendulum.json is not there; run `make repro`"):
        model.read_pictures(LONG)


def test_read_pictures_refuses_a_canvas_of_other_frames_and_a_system_that_cannot_be_read(complete, monkeypatch):
    monkeypatch.chdir(complete)
    artifacts.write_canvas("pixel_pendulum", asdict(CANVAS) | {"pixels": 28}, SYSTEM)
    model = hnn.load_pixels("pixel_pendulum", "hnn")
    with pytest.raises(ValueError, match="1 x 28 x 28, but the cell was trained on frames 1 x 16 x 16; run `make repro`"):
        model.read_pictures(LONG)
    artifacts.write_canvas("pixel_pendulum", asdict(CANVAS), SYSTEM | {"name": "double"})
    with pytest.raises(Refused, match="given 'double', whose frames cannot be read"):
        model.read_pictures(LONG)


@pytest.mark.parametrize("pair_step", [0.0, 0.2])
def test_format_is_that_of_the_frames_however_the_momentum_is_encoded(pair_step):
    network = make_latent_model(**ABOUT | {"pair_step": pair_step}, generator=torch.Generator()).double()
    assert TrainedPixels(network, CELL).format == FrameFormat(channels=1, size=SIZE)
    assert TrainedPixels(network, CELL).encode(FRAMES).shape == (3, 3, 2)
