"""Encoding of points as coordinates, and of coordinates as features of a kernel.

Coordinates have one column per parameter: the ``x`` of its axis, where the range has length 1, or the index
of an option. The kernel measures distances between features: a numeric parameter is its ``x``, an option a
unit vector times ``1 / sqrt(2)``, so that two different options have distance 1 (Hamming distance). An
inactive parameter has the features of the middle: the centre of its axis, or the mean of all options. Two
points without the parameter then have no distance in it; the choice above it distinguishes them from others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import Bools, Floats, History
from hpsearch.space.distribution import Categorical, Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.tpe.activation import activation_of, active_mask
from hpsearch.suggest.tpe.axis import Axes, axis
from hpsearch.suggest.tpe.choices import build_option_table
from hpsearch.suggest.tpe.gauss import quantile

#: A normal parameter is searched within three standard deviations of its mean ...
_HALF_RANGE = 0.5
#: ... and up to one and a half standard deviations beyond any trial that lies farther out.
_MARGIN = 0.25


class Encoding:
    """Coordinates and features of one space with ``d`` parameters.

    Parameters
    ----------
    space : Space
        The space.

    Attributes
    ----------
    groups : (D,) array of int
        The parameter of each feature.
    is_choice : (d,) array of bool
        Which parameters are choices; the others are numeric.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        distributions = [parameter.distribution for parameter in space.parameters]
        choices = [d for d in distributions if isinstance(d, Categorical)]
        self._axes = Axes([axis(d) for d in distributions if not isinstance(d, Categorical)])
        self._option_table = build_option_table(choices)
        self._activation = activation_of(space)
        self.is_choice = np.array([isinstance(d, Categorical) for d in distributions], dtype=bool)
        self._numbers, self._choices = np.flatnonzero(~self.is_choice), np.flatnonzero(self.is_choice)
        self._is_grid = self._axes.is_grid
        self._is_normal = np.isfinite(self._axes.prior_sigma)
        self._n_features = np.ones(len(distributions), dtype=np.intp)
        self._n_features[self._choices] = [len(d.probabilities) for d in choices]
        self.groups: Indices = np.repeat(np.arange(len(distributions)), self._n_features)
        self._first: Indices = np.cumsum(self._n_features) - self._n_features

    def coordinates(self, values: Floats) -> Floats:
        """Map (n, d) raw values to (n, d) coordinates."""
        x = np.array(values)
        x[:, self._numbers] = self._axes.coordinates(x[:, self._numbers].T).T
        return x

    def values(self, x: Floats) -> Floats:
        """Map (n, d) coordinates to (n, d) raw values that can occur."""
        raw = np.array(x)
        raw[:, self._numbers] = self._axes.values(x[:, self._numbers].T).T
        return raw

    def encode(self, points: Sequence[Values], history: History) -> Floats:
        """Map points to coordinates.

        Parameters
        ----------
        points : sequence of Values
            ``n`` points of the space.
        history : History
            A history of the space.

        Returns
        -------
        (n, d) array
            Arbitrary where a parameter is inactive.
        """
        rows = [history.encode(values)[0] for values in points]
        return self.coordinates(np.array(rows).reshape(len(points), len(self.is_choice)))

    def point(self, x: Floats) -> Values:
        """Map (d,) coordinates to a point of the space."""
        raw = np.array(x)
        raw[self._numbers] = self._axes.values(x[self._numbers, None])[:, 0]
        values: dict[str, float | int] = {}
        for parameter, value, is_active in zip(
            self.space.parameters, raw.tolist(), self.active(x[None])[0], strict=True
        ):
            if is_active:
                values[parameter.label] = value if isinstance(parameter.distribution, Numeric) else int(value)
        return values

    def active(self, x: Floats) -> Bools:
        """Return which parameters are active under (m, d) coordinates, as an (m, d) mask."""
        return active_mask(self._activation, x.T).T

    def features(self, x: Floats, active: Bools) -> Floats:
        """Map coordinates to features.

        Parameters
        ----------
        x : (m, d) array
            Coordinates.
        active : (m, d) array of bool
            Which parameters are active.

        Returns
        -------
        (m, D) array
            Features.
        """
        found = np.zeros((len(x), len(self.groups)))
        numbers, choices = self._numbers, self._choices
        centres = np.where(self._is_normal, 0.0, 0.5)
        found[:, self._first[numbers]] = np.where(active[:, numbers], x[:, numbers], centres)
        options = self._first[choices] + x[:, choices].astype(np.intp)
        shares = math.sqrt(0.5) / self._n_features[choices]
        undecided = np.where(active[:, choices], 0.0, shares)
        found[:, self.is_choice[self.groups]] = np.repeat(undecided, self._n_features[choices], axis=1)
        np.put_along_axis(found, options, np.where(active[:, choices], math.sqrt(0.5), shares), axis=1)
        return found

    def first_features(self, columns: Indices) -> Indices:
        """Return the index of the first feature of each parameter; a numeric one has no other."""
        return self._first[columns]

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper ends, (d,) each, of the range to search after trials at (n, d)."""
        low, high = np.zeros(len(self.is_choice)), np.ones(len(self.is_choice))
        tried = x[:, self._numbers]
        lowest = np.minimum(tried.min(axis=0, initial=0.0) - _MARGIN, -_HALF_RANGE)
        highest = np.maximum(tried.max(axis=0, initial=0.0) + _MARGIN, _HALF_RANGE)
        low[self._numbers] = np.where(self._is_normal, np.maximum(lowest, self._axes.low), 0.0)
        high[self._numbers] = np.where(self._is_normal, np.minimum(highest, self._axes.high), 1.0)
        return low, high

    def near(self, x: Floats, radius: float, box: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Return the part of a box around a point; choices keep their range.

        Parameters
        ----------
        x : (d,) array
            Coordinates of the point.
        radius : float
            Largest distance in each numeric coordinate; positive.
        box : pair of (d,) arrays
            Lower and upper ends.

        Returns
        -------
        pair of (d,) arrays
            Lower and upper ends.
        """
        low, high = (np.clip(x + offset, *box) for offset in (-radius, radius))
        return np.where(self.is_choice, box[0], low), np.where(self.is_choice, box[1], high)

    def draw(self, n: int, box: tuple[Floats, Floats], rng: np.random.Generator) -> Floats:
        """Draw points within a box from the prior; normal values outside the box become uniform in it.

        Parameters
        ----------
        n : int
            Number of points.
        box : pair of (d,) arrays
            Lower and upper ends.
        rng : Generator
            Source of randomness.

        Returns
        -------
        (n, d) array
            Coordinates of all parameters, active or not.
        """
        return self.place(rng.random((n, len(self.is_choice))), box)

    def place(self, uniforms: Floats, box: tuple[Floats, Floats]) -> Floats:
        """Map quantile levels to points as ``draw`` does.

        Parameters
        ----------
        uniforms : (n, d) array
            In [0, 1).
        box : pair of (d,) arrays
            Lower and upper ends.

        Returns
        -------
        (n, d) array
            Coordinates of all parameters, active or not.
        """
        numbers, choices = self._numbers, self._choices
        x = box[0] + uniforms * (box[1] - box[0])
        x[:, choices] = (uniforms[:, choices, None] >= self._option_table.cumulative).sum(axis=2)
        normals = numbers[self._is_normal]
        sigmas = self._axes.prior_sigma[self._is_normal]
        z = sigmas * quantile(uniforms[:, normals])
        is_inside = (box[0][normals] <= z) & (z <= box[1][normals])
        x[:, normals] = np.where(is_inside, z, x[:, normals])
        return x

    def other_options(self, options: Floats, columns: Indices, rng: np.random.Generator) -> Floats:
        """Draw a different option for each given one, among those that can occur.

        Parameters
        ----------
        options : (m,) array
            Indices of the present options.
        columns : (m,) array of int
            The choice that each belongs to.
        rng : Generator
            Source of randomness.

        Returns
        -------
        (m,) array
            Indices; the present one where no other can occur.
        """
        rows = np.searchsorted(self._choices, columns)
        possible = self._option_table.prior > 0
        n = possible.sum(axis=1)[rows]
        places = (np.cumsum(possible, axis=1) - 1)[rows, options.astype(np.intp)]
        turns = 1 + (rng.random(len(options)) * (n - 1)).astype(np.intp)
        # Options that can occur come first, in their order.
        order = np.argsort(~possible, axis=1, kind="stable")
        found: Floats = order[rows, (places + turns) % n].astype(np.float64)
        return found

    def snap(self, x: Floats) -> Floats:
        """Move (m, d) coordinates to the nearest values that can occur."""
        snapped, numbers = np.array(x), self._numbers
        on_grid = self._axes.coordinates(self._axes.values(x[:, numbers].T)).T
        snapped[:, numbers] = np.where(self._is_grid, on_grid, x[:, numbers])
        return snapped

    def steps(self, x: Floats) -> Floats:
        """Return the distance to the next grid value for (m, d) coordinates; 0 where continuous."""
        found, numbers = np.zeros(x.shape), self._numbers
        widths = 2 * self._axes.half_bins(self._axes.values(x[:, numbers].T)).T
        found[:, numbers] = np.where(self._is_grid, widths, 0.0)
        return found
