"""A cell of the grid that the pipeline trains and evaluates: one model of one task."""

from typing import NamedTuple

__all__ = ["TRUTH", "Cell"]

TRUTH = "truth"
"""Model name of the exact field of a task's system, whose scores are the floors of all tables."""


class Cell(NamedTuple):
    """One model of one task; for a pixel task also the step map through which its dynamics are trained.

    >>> Cell("pixel_pendulum", "hnn", "rk4").key
    'pixel_pendulum-hnn-rk4'
    """

    task: str
    model: str
    step_map: str = ""
    """Empty for a cell whose states are observed."""

    @property
    def name(self) -> str:
        """`model` or `model-step_map`: unique among the cells of a task."""
        return f"{self.model}-{self.step_map}" if self.step_map else self.model

    @property
    def key(self) -> str:
        """`task-name`: the cell's name in DVC and of its files."""
        return f"{self.task}-{self.name}"

    @property
    def from_pixels(self) -> bool:
        """True if the cell learns from frames, not from states."""
        return bool(self.step_map)

    @property
    def is_truth(self) -> bool:
        """True for the exact field."""
        return self.model == TRUTH

    @property
    def references(self) -> tuple["Cell", ...]:
        """The cells that this one is compared with, trained alike: the baseline and, for a further model, HNN.

        >>> [one.key for one in Cell("pendulum", "separable_hnn").references]
        ['pendulum-baseline', 'pendulum-hnn']
        """
        models = {"baseline": (), "hnn": ("baseline",)}.get(self.model, ("baseline", "hnn"))
        return tuple(self._replace(model=model) for model in models)
