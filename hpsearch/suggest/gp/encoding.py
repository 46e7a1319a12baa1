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

from hpsearch.history import Bools, Floats, History
from hpsearch.space.distribution import Categorical, Distribution, Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.tpe.activation import active_mask, gates
from hpsearch.suggest.tpe.axis import Axis, axis

#: A normal parameter is searched from three standard deviations below its mean to three above ...
_HALF_RANGE = 0.5
#: ... and, where trials lie farther out, one and a half beyond those.
_MARGIN = 0.25


class Encoding:
    """The coordinates and features of one space of ``d`` parameters.

    Attributes
    ----------
    axes : tuple of d (Axis or None)
        None for a choice.
    groups : (D,) array of int
        The parameter that each feature belongs to.
    is_choice, is_grid : (d,) arrays of bool
        Which parameters are choices, and which numeric ones have separate values.
    n_options : (d,) array of int
        Of a choice; 0 for a numeric parameter.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        distributions = [parameter.distribution for parameter in space.parameters]
        self.axes = tuple(_axis(distribution) for distribution in distributions)
        self.is_choice = np.array([line is None for line in self.axes], dtype=bool)
        self.is_grid = np.array(
            [line is not None and line.step is not None for line in self.axes], dtype=bool
        )
        self.n_options = np.array([_n_options(distribution) for distribution in distributions], dtype=np.intp)
        widths = np.maximum(self.n_options, 1)
        self.groups: Indices = np.repeat(np.arange(len(widths)), widths)
        self._first: Indices = np.cumsum(widths) - widths
        self._gates = gates(space)
        self._possible = _possible(distributions)
        self._cumulative = [_cumulative(distribution) for distribution in distributions]
        self._centres = np.array([_centre(line) for line in self.axes])
        self._numeric = np.flatnonzero(~self.is_choice)
        self._choices = np.flatnonzero(self.is_choice)
        self._grids = [(int(j), line) for j, line in enumerate(self.axes) if line is not None and line.step]

    def coordinates(self, values: Floats) -> Floats:
        """Map (n, d) raw values to (n, d) coordinates."""
        x = np.array(values)
        for j, line in enumerate(self.axes):
            if line is not None:
                x[:, j] = line.coordinates(x[:, j])
        return x

    def encode(self, points: Sequence[Values], history: History) -> Floats:
        """Map n points to (n, d) coordinates; what is not active has any."""
        rows = [history.encode(values)[0] for values in points]
        return self.coordinates(np.array(rows).reshape(len(points), len(self.axes)))

    def point(self, x: Floats) -> Values:
        """Map (d,) coordinates to a point of the space."""
        mask = self.active(x[None])[0]
        values: dict[str, float | int] = {}
        for j, (parameter, line) in enumerate(zip(self.space.parameters, self.axes, strict=True)):
            if mask[j]:
                value = float(x[j] if line is None else line.values(x[j : j + 1])[0])
                values[parameter.label] = value if isinstance(parameter.distribution, Numeric) else int(value)
        return values

    def active(self, x: Floats) -> Bools:
        """Return which parameters (m, d) coordinates have; a choice's coordinate is its option."""
        return active_mask(self._gates, x)

    def features(self, x: Floats, active: Bools) -> Floats:
        """Map (m, d) coordinates to (m, D) features."""
        found = np.zeros((len(x), len(self.groups)))
        numeric, choices = self._numeric, self._choices
        found[:, self._first[numeric]] = np.where(active[:, numeric], x[:, numeric], self._centres[numeric])
        options = self._first[choices] + x[:, choices].astype(np.intp)
        found[np.arange(len(x))[:, None], options] = math.sqrt(0.5)
        row, column = np.nonzero(~active[:, choices])
        for i, j in zip(row, choices[column], strict=True):
            n = self.n_options[j]
            found[i, self._first[j] : self._first[j] + n] = math.sqrt(0.5) / n
        return found

    def feature_of(self, parameters: Indices) -> Indices:
        """Return the first feature of each of some parameters."""
        return self._first[parameters]

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the ends, (d,) each, of the range to search, given the coordinates (n, d) of trials."""
        low, high = np.zeros(len(self.axes)), np.ones(len(self.axes))
        for j, line in enumerate(self.axes):
            if line is not None and line.sigma is not None:
                low[j] = max(min(-_HALF_RANGE, x[:, j].min(initial=0.0) - _MARGIN), line.low)
                high[j] = min(max(_HALF_RANGE, x[:, j].max(initial=0.0) + _MARGIN), line.high)
        return low, high

    def draw(self, n: int, box: tuple[Floats, Floats], rng: np.random.Generator) -> Floats:
        """Draw the coordinates of n points from the prior, (n, d), all parameters of them."""
        uniforms = rng.random((n, len(self.axes)))
        x = box[0] + uniforms * (box[1] - box[0])
        for j, line in enumerate(self.axes):
            if line is None:
                x[:, j] = np.searchsorted(self._cumulative[j], uniforms[:, j], side="right")
            elif line.sigma is not None:
                x[:, j] = np.clip(line.prior_quantile(uniforms[:, j]), box[0][j], box[1][j])
        return x

    def other_options(self, x: Floats, columns: Indices, rng: np.random.Generator) -> Floats:
        """Draw for each of (m,) options of (m,) choices another one that can occur, if there is any."""
        n = self._possible.sum(axis=1)[columns]
        ranks = (np.cumsum(self._possible, axis=1) - 1)[columns, x.astype(np.intp)]
        turns = 1 + (rng.random(len(x)) * (n - 1)).astype(np.intp)
        # Options that can occur come first in the order, each in its place among them.
        order = np.argsort(~self._possible, axis=1, kind="stable")
        found: Floats = order[columns, (ranks + turns) % n].astype(np.float64)
        return found

    def snap(self, x: Floats) -> Floats:
        """Move (m, d) coordinates to values that can occur."""
        snapped = np.array(x)
        for j, line in self._grids:
            snapped[:, j] = line.coordinates(line.values(x[:, j]))
        return snapped

    def steps(self, x: Floats) -> Floats:
        """Return how far the next value is from each of (m, d) coordinates: 0 where it is continuous."""
        found = np.zeros(x.shape)
        for j, line in self._grids:
            found[:, j] = 2 * line.half_bins(line.values(x[:, j]))
        return found


def _axis(distribution: Distribution) -> Axis | None:
    return None if isinstance(distribution, Categorical) else axis(distribution)


def _n_options(distribution: Distribution) -> int:
    return len(distribution.probabilities) if isinstance(distribution, Categorical) else 0


def _possible(distributions: list[Distribution]) -> Bools:
    """Return which options can occur, (d, c) for up to c options; one for a number."""
    tables = [np.array(_probabilities(distribution)) > 0 for distribution in distributions]
    found = np.zeros((len(tables), max(map(len, tables), default=0)), dtype=bool)
    for j, table in enumerate(tables):
        found[j, : len(table)] = table
    return found


def _probabilities(distribution: Distribution) -> tuple[float, ...]:
    """Return the probabilities of a choice's options; for a number, that it is one."""
    return distribution.probabilities if isinstance(distribution, Categorical) else (1.0,)


def _centre(line: Axis | None) -> float:
    """Return where a parameter stands that is not active."""
    return 0.5 if line is not None and line.sigma is None else 0.0


def _cumulative(distribution: Distribution) -> Floats:
    """Return the cumulative probabilities of a choice's options."""
    cumulative = np.cumsum(_probabilities(distribution))
    return np.asarray(cumulative / cumulative[-1])
