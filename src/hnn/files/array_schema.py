"""Declarations of the arrays of a file: names, dtypes, axes and values, checked before any of them is used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
from numpy import ndarray

__all__ = ["Array", "Header", "Schema", "flatten", "unflatten"]


class Header(NamedTuple):
    """Type and shape of an array, known before its numbers are read."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype.name} {self.shape}"


@dataclass(frozen=True)
class Array:
    """The declaration of one array."""

    axes: str = ""
    """Names of its axes, between spaces. Axes of one name in one group of arrays have one size; `_` has any."""
    dtype: str = "float64"
    missing: bool = False
    """True if NaN and infinity are allowed."""
    optional: bool = False
    increasing: bool = False
    positive: bool = False

    def check(self, values: ndarray) -> str | None:
        """The problem with the values, or None."""
        if not self.missing and self.dtype == "float64" and not np.isfinite(values).all():
            return f"has {np.count_nonzero(~np.isfinite(values))} values that are not finite"
        if self.increasing and not (np.diff(values) > 0).all():
            return "does not increase"
        if self.positive and (values <= 0).any():
            return "has values that are not positive"
        return None


Group = Mapping[str, Array]
"""The arrays of a group by their names, in which `*` stands for any text."""


@dataclass(frozen=True)
class Schema:
    """The arrays of one kind of file, called `group.name`, or `group` alone where the name is empty."""

    groups: Mapping[str, Group]
    """By the name of the group; `*` is any group that is not named."""
    required: tuple[str, ...]
    """Groups that must be there."""
    shared: tuple[str, ...] = ()
    """Axes that have one size in the whole file."""
    even: tuple[str, ...] = ()
    """Axes of an even size: positions, then momenta."""
    least: Mapping[str, int] = field(default_factory=dict)
    """Least sizes of axes."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Sizes of axes that are known beforehand."""

    def array(self, name: str) -> Array | None:
        """The declaration of an array, or None if there is no such array."""
        group, _, rest = name.partition(".")
        declared = self.groups.get(group, self.groups.get("*", {}))
        return declared.get(rest) or next((one for pattern, one in declared.items() if fnmatchcase(rest, pattern)), None)

    def check_headers(self, headers: Mapping[str, Header]) -> str | None:
        """The first problem with names, types and shapes, or None."""
        names = {name.partition(".")[0] for name in headers}
        for group in [*self.required, *names]:
            declared = self.groups.get(group, self.groups.get("*", {}))
            for rest, array in declared.items():
                name = f"{group}.{rest}" if rest else group
                if "*" not in rest and not array.optional and name not in headers:
                    return f"has no array {name}"
        sizes: dict[str, tuple[int, str]] = {axis: (size, "the parameters") for axis, size in self.sizes.items()}
        for name, header in headers.items():
            if (declared_array := self.array(name)) is None:
                return f"has an array {name}, which is none of this kind of file"
            if problem := self.check_header(name, header, declared_array, sizes):
                return problem
        return None

    def check_header(self, name: str, header: Header, array: Array, sizes: dict[str, tuple[int, str]]) -> str | None:
        """The problem with one array, or None; adds the sizes of its axes to `sizes`, with the name of the array."""
        axes, group = array.axes.split(), name.partition(".")[0]
        if header.dtype != np.dtype(array.dtype) or len(header.shape) != len(axes) or 0 in header.shape:
            return f"{name} is {header}, must be {array.dtype} ({', '.join(axes)})"
        for axis, size in zip(axes, header.shape, strict=True):
            key = axis if axis in self.shared or axis in self.sizes else f"{group}.{axis}"
            known, where = sizes.setdefault(key, (size, name))
            if axis != "_" and size != known:
                return f"{name} is {header}, must be ({', '.join(axes)}) with {axis} {known}, as in {where}"
            if size < self.least.get(axis, 1):
                return f"{name} is {header}, must be ({', '.join(axes)}) with at least {self.least[axis]} of {axis}"
            if axis in self.even and size % 2:
                return f"{name} is {header}, must be ({', '.join(axes)}) with an even {axis}"
        return None

    def check_values(self, name: str, values: ndarray) -> str | None:
        """The problem with the values of one array, or None."""
        declared = self.array(name)
        problem = declared.check(values) if declared else None
        return f"{name} {problem}" if problem else None


def flatten(groups: Mapping[str, Mapping[str, ndarray]]) -> dict[str, ndarray]:
    """Join the keys of nested mappings of arrays by a dot.

    >>> flatten({"a": {"b": np.ones(1)}})
    {'a.b': array([1.])}
    """
    return {f"{group}.{name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def unflatten(arrays: Iterable[tuple[str, ndarray]]) -> dict[str, dict[str, ndarray]]:
    """The inverse of `flatten`; keys are split at their first dot.

    >>> unflatten({"a.b.c": np.ones(1)}.items())
    {'a': {'b.c': array([1.])}}
    """
    groups: dict[str, dict[str, ndarray]] = {}
    for key, array in arrays:
        group, name = key.split(".", 1)
        groups.setdefault(group, {})[name] = array
    return groups
