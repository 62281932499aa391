"""What learning from frames needs beside the recipe: how batches are drawn, and the weights of the losses."""

from dataclasses import dataclass

__all__ = ["LatentTraining", "PixelOptions", "Pretraining"]


@dataclass(frozen=True)
class PixelOptions:
    """What both trainings need beside the recipe."""

    batch: int
    """How many frame pairs make a batch."""
    segment: int
    """How many of them are neighbours in a clip."""
    relative: bool
    """Whether losses of latent states are relative to their size."""
    reconstruction: float
    """The weight of the reconstruction loss."""
    canonical: float
    """The weight of the canonical loss."""


@dataclass(frozen=True)
class Pretraining(PixelOptions):
    """The options of `pixel_training.pretrain`."""

    blur: float
    """The first third of the steps sees frames blurred by this fraction of their width; 0: not at all.

    A motion then moves light that overlaps, and so is unfolded in its order.
    """
    latent_std: float
    """The standard deviation that latent states are given at the end; 0: as it is."""


@dataclass(frozen=True)
class LatentTraining(PixelOptions):
    """The options of `pixel_training.fit_latent`."""

    dynamics: float
    """The weight of the loss of the dynamics."""
    autoencoder_rate: float
    """The learning rate of the autoencoder, which is known already; the recipe's is that of the dynamics."""
    freeze_autoencoder: bool
    """Leave the autoencoder as it is: all steps of the recipe are of the dynamics alone."""
    settle: int
    """How many steps of the dynamics alone follow, otherwise."""
    settle_rate: float
    """Their learning rate."""
    settle_batch: int
    """On how many frames, and the next of each, a step of the dynamics alone is taken."""
