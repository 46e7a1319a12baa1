"""Points as coordinates, and coordinates as features of a kernel.

Coordinates have one column for each parameter: the ``x`` of its axis, on which the range is one
unit long, or the index of an option. Features are what distances are taken between: a numeric
parameter is its ``x``; an option is a unit vector times ``1 / sqrt(2)``, so that two different ones
are at the distance 1 (Hamming's). A parameter that is not active stands in the middle: at the
centre of its axis, or halfway between all options. Two points that both lack it are then at no
distance there, and what tells them from the others is the choice above it.
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
from hpsearch.suggest.tpe.axis import axis, side_by_side
from hpsearch.suggest.tpe.choices import build_option_table
from hpsearch.suggest.tpe.gauss import quantile

#: A normal parameter is searched from three standard deviations below its mean to three above ...
_HALF_RANGE = 0.5
#: ... and, where trials lie farther out, one and a half beyond those.
_MARGIN = 0.25


class Encoding:
    """The coordinates and features of one space of ``d`` parameters.

    Attributes
    ----------
    groups : (D,) array of int
        The parameter that each feature belongs to.
    is_choice : (d,) array of bool
        Which parameters are choices; the others are numbers.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        distributions = [parameter.distribution for parameter in space.parameters]
        choices = [d for d in distributions if isinstance(d, Categorical)]
        self._axis = side_by_side([axis(d) for d in distributions if not isinstance(d, Categorical)])
        self._option_table = build_option_table(choices)
        self._activation = activation_of(space)
        self.is_choice = np.array([isinstance(d, Categorical) for d in distributions], dtype=bool)
        self._numbers, self._choices = np.flatnonzero(~self.is_choice), np.flatnonzero(self.is_choice)
        self._is_grid = np.greater(self._axis.grid_step, 0)
        self._is_normal = np.isfinite(self._axis.prior_sigma)
        self._n_features = np.ones(len(distributions), dtype=np.intp)
        self._n_features[self._choices] = [len(d.probabilities) for d in choices]
        self.groups: Indices = np.repeat(np.arange(len(distributions)), self._n_features)
        self._first: Indices = np.cumsum(self._n_features) - self._n_features

    def coordinates(self, values: Floats) -> Floats:
        """Map (n, d) raw values to (n, d) coordinates."""
        x = np.array(values)
        x[:, self._numbers] = self._axis.coordinates(x[:, self._numbers])
        return x

    def encode(self, points: Sequence[Values], history: History) -> Floats:
        """Map n points to (n, d) coordinates; what is not active has any."""
        rows = [history.encode(values)[0] for values in points]
        return self.coordinates(np.array(rows).reshape(len(points), len(self.is_choice)))

    def point(self, x: Floats) -> Values:
        """Map (d,) coordinates to a point of the space."""
        raw = np.array(x)
        raw[self._numbers] = self._axis.values(x[self._numbers])
        values: dict[str, float | int] = {}
        for parameter, value, is_active in zip(
            self.space.parameters, raw.tolist(), self.active(x[None])[0], strict=True
        ):
            if is_active:
                values[parameter.label] = value if isinstance(parameter.distribution, Numeric) else int(value)
        return values

    def active(self, x: Floats) -> Bools:
        """Return which parameters (m, d) coordinates have; a choice's coordinate is its option."""
        return active_mask(self._activation, x)

    def features(self, x: Floats, active: Bools) -> Floats:
        """Map (m, d) coordinates to (m, D) features."""
        found = np.zeros((len(x), len(self.groups)))
        numbers, choices = self._numbers, self._choices
        centres = np.where(self._is_normal, 0.0, 0.5)
        found[:, self._first[numbers]] = np.where(active[:, numbers], x[:, numbers], centres)
        options = self._first[choices] + x[:, choices].astype(np.intp)
        np.put_along_axis(found, options, math.sqrt(0.5), axis=1)
        rows, columns = np.nonzero(~active[:, choices])
        for row, j in zip(rows, choices[columns], strict=True):
            n = self._n_features[j]
            found[row, self._first[j] : self._first[j] + n] = math.sqrt(0.5) / n
        return found

    def first_features(self, columns: Indices) -> Indices:
        """Return the first feature of each of some parameters, which of a number is its only one."""
        return self._first[columns]

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the ends, (d,) each, of the range to search, given the coordinates (n, d) of trials."""
        low, high = np.zeros(len(self.is_choice)), np.ones(len(self.is_choice))
        tried = x[:, self._numbers]
        lowest = np.minimum(tried.min(axis=0, initial=0.0) - _MARGIN, -_HALF_RANGE)
        highest = np.maximum(tried.max(axis=0, initial=0.0) + _MARGIN, _HALF_RANGE)
        low[self._numbers] = np.where(self._is_normal, np.maximum(lowest, self._axis.low), 0.0)
        high[self._numbers] = np.where(self._is_normal, np.minimum(highest, self._axis.high), 1.0)
        return low, high

    def near(self, x: Floats, radius: float, box: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Return a box cut down to what is at most ``radius`` from (d,) coordinates in every number."""
        low, high = (np.clip(x + offset, *box) for offset in (-radius, radius))
        return np.where(self.is_choice, box[0], low), np.where(self.is_choice, box[1], high)

    def draw(self, n: int, box: tuple[Floats, Floats], rng: np.random.Generator) -> Floats:
        """Draw the coordinates of n points within a box, (n, d), all parameters of them.

        They come from the prior, except that a normal that misses the box becomes uniform there.
        """
        uniforms = rng.random((n, len(self.is_choice)))
        numbers, choices = self._numbers, self._choices
        x = box[0] + uniforms * (box[1] - box[0])
        x[:, choices] = (uniforms[:, choices, None] >= self._option_table.cumulative).sum(axis=2)
        normals = numbers[self._is_normal]
        sigmas = np.asarray(self._axis.prior_sigma)[self._is_normal]
        z = sigmas * quantile(uniforms[:, normals])
        is_inside = (box[0][normals] <= z) & (z <= box[1][normals])
        x[:, normals] = np.where(is_inside, z, x[:, normals])
        return x

    def other_options(self, options: Floats, columns: Indices, rng: np.random.Generator) -> Floats:
        """Draw for each of (m,) options of (m,) choices another one that can occur, if there is any."""
        rows = np.searchsorted(self._choices, columns)
        possible = self._option_table.prior > 0
        n = possible.sum(axis=1)[rows]
        places = (np.cumsum(possible, axis=1) - 1)[rows, options.astype(np.intp)]
        turns = 1 + (rng.random(len(options)) * (n - 1)).astype(np.intp)
        # Options that can occur come first in the order, each in its place among them.
        order = np.argsort(~possible, axis=1, kind="stable")
        found: Floats = order[rows, (places + turns) % n].astype(np.float64)
        return found

    def snap(self, x: Floats) -> Floats:
        """Move (m, d) coordinates to values that can occur."""
        snapped, numbers = np.array(x), self._numbers
        on_grid = self._axis.coordinates(self._axis.values(x[:, numbers]))
        snapped[:, numbers] = np.where(self._is_grid, on_grid, x[:, numbers])
        return snapped

    def steps(self, x: Floats) -> Floats:
        """Return how far the next value is from each of (m, d) coordinates: 0 where it is continuous."""
        found, numbers = np.zeros(x.shape), self._numbers
        widths = 2 * self._axis.half_bins(self._axis.values(x[:, numbers]))
        found[:, numbers] = np.where(self._is_grid, widths, 0.0)
        return found
