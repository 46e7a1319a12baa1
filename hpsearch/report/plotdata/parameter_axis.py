"""The axis of a parameter: logarithmic like its distribution, with names for options and few values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.plotdata.figure import Axis, Ints
from hpsearch.report.text import number
from hpsearch.runtime.escaping import printable
from hpsearch.space.distribution import Categorical, Distribution, Integer, Normal, Numeric
from hpsearch.space.tree import Space

#: A number with at most this many values is shown in columns, like a choice.
MAX_COLUMNS = 8
#: Bins of a number.
_N_BINS = 60
#: Width over which the points of a column are spread; columns are 1 apart.
_SPREAD = 0.56
_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
#: Share of an axis left free at each end.
_MARGIN = 0.03
#: Characters of an option's name under an axis, together and each at least.
_NAME_ROOM, _MIN_NAME = 44, 6
#: Quantiles of the values of an unbounded number that its axis shows, and how much more.
_LOW, _HIGH, _BEYOND = 0.01, 0.99, 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParameterAxis:
    """The axis of one parameter, and where values lie on it."""

    label: str
    axis: Axis
    ends: tuple[float, float]  #: the lowest and the highest value
    columns: tuple[float, ...]  #: the values that have a column each; empty for an axis of numbers
    edges: Floats  #: (k + 1,) edges of bins that cover the axis

    def place(self, values: Floats) -> Floats:
        """Return where values are drawn, (n,): the number of the column, or the value within the axis.

        Parameters
        ----------
        values : (n,) array
            Raw values.
        """
        if self.columns:
            nearest = np.abs(np.array(self.columns) - values[:, None]).argmin(axis=1)
            return np.asarray(nearest, dtype=np.float64)
        return np.clip(values, self.axis.low, self.axis.high)

    def spread(self, values: Floats, tids: Ints) -> Floats:
        """Return where points are drawn, (n,): as ``place``, with those of a column beside each other.

        Parameters
        ----------
        values : (n,) array
            Raw values.
        tids : (n,) array
            Numbers of the trials, which decide the places within a column.
        """
        places = self.place(values)
        # Multiples of the golden ratio stay apart from each other.
        return places + _SPREAD * ((tids * _GOLDEN_RATIO) % 1 - 0.5) if self.columns else places

    def share(self, values: Floats) -> Floats:
        """Return where values lie on the axis, (n,), from 0 at its lower end to 1."""
        low, high, at = self.axis.low, self.axis.high, self.place(values)
        if self.axis.is_log:
            low, high, at = math.log(low), math.log(high), np.log(at)
        return np.asarray((at - low) / (high - low))

    def text(self, value: float) -> str:
        """Return a value as people read it."""
        if self.columns:
            return self.axis.tick_labels[int(self.place(np.array([value]))[0])]
        return number(value)


def parameter_axis(space: Space, label: str, values: Floats) -> ParameterAxis:
    """Return the axis of a parameter.

    Parameters
    ----------
    space : Space
        The space.
    label : str
        The parameter.
    values : (n,) array
        Its values in trials, which decide the ends where the distribution has none; may be empty.
    """
    distribution = space.nodes[label].distribution
    title = printable(" ".join(label.split()))
    names = _column_names(space, label, distribution)
    if names:
        columns = tuple(names)
        return ParameterAxis(
            label=label,
            axis=Axis(
                title=title,
                low=-0.5,
                high=len(columns) - 0.5,
                ticks=tuple(float(i) for i in range(len(columns))),
                tick_labels=_fitting(list(names.values())),
                is_named=True,
            ),
            ends=(columns[0], columns[-1]),
            columns=columns,
            edges=np.arange(len(columns) + 1, dtype=np.float64) - 0.5,
        )
    assert isinstance(distribution, Numeric | Integer)
    is_log = isinstance(distribution, Numeric) and distribution.is_log
    low, high = _ends(distribution, values)
    if is_log and not low > 0:  # a stepped log parameter may round to 0
        is_log = False
    margin = _MARGIN * ((math.log(high) - math.log(low)) if is_log else high - low)
    axis = Axis(
        title=title,
        low=low * math.exp(-margin) if is_log else low - margin,
        high=high * math.exp(margin) if is_log else high + margin,
        is_log=is_log,
    )
    edges = _edges(distribution, low, high, is_log)
    return ParameterAxis(label=label, axis=axis, ends=(low, high), columns=(), edges=edges)


def _column_names(space: Space, label: str, distribution: Distribution) -> dict[float, str]:
    """Return the names of the columns by value; empty for an axis of numbers."""
    if isinstance(distribution, Categorical):
        return {float(i): name for i, name in enumerate(space.option_names(label))}
    n = distribution.n_values
    if n is None or n > MAX_COLUMNS:
        return {}
    low, high = (
        distribution.support()
        if isinstance(distribution, Numeric)
        else (distribution.low, distribution.high - 1)
    )
    return {float(value): number(float(value)) for value in np.linspace(low, high, n)}


def _fitting(names: list[str]) -> tuple[str, ...]:
    """Return names short enough to fit beside each other under a small panel."""
    room = max(_NAME_ROOM // max(len(names), 1), _MIN_NAME)
    return tuple(shortened(name, room) for name in names)


def shortened(text: str, n: int) -> str:
    """Return a text on one line with at most some characters.

    Parameters
    ----------
    text : str
        The text.
    n : int
        Most characters; at least 2.
    """
    line = printable(" ".join(text.split()))
    return line if len(line) <= n else f"{line[: n - 1]}…"


def _ends(distribution: Numeric | Integer, values: Floats) -> tuple[float, float]:
    """Return the ends of an axis of numbers, the first below the second."""
    match distribution:
        case Integer(low=first, high=end):
            low, high = float(first), float(end - 1)
        case Numeric(latent=Normal(mu, sigma), is_log=is_log):
            low, high = (distribution.from_latent(mu + z * sigma) for z in (-2.5, 2.5))
            if len(values):
                inner = np.quantile(np.log(np.maximum(values, 1e-300)) if is_log else values, [_LOW, _HIGH])
                extra = _BEYOND * np.ptp(inner)
                seen = (inner[0] - extra, inner[1] + extra)
                low, high = (math.exp(min(z, 690.0)) for z in seen) if is_log else map(float, seen)
        case _:
            low, high = distribution.support()
    if not high > low:
        low, high = (low / 2, low * 2) if low > 0 else (low - 1, low + 1)
    return low, high


def _edges(distribution: Numeric | Integer, low: float, high: float, is_log: bool) -> Floats:
    """Return edges of bins; of a grid, between its values."""
    step = distribution.q if isinstance(distribution, Numeric) else 1.0
    if step and high / step < 1e9 and not is_log:
        n = round((high - low) / step) + 1
        per_bin = math.ceil(n / _N_BINS)
        return np.asarray(low + step * (np.arange(math.ceil(n / per_bin) + 1) * per_bin - 0.5))
    if not is_log:
        return np.linspace(low, high, _N_BINS + 1)
    edges = np.geomspace(low, high, _N_BINS + 1)
    if step:
        between = np.round(edges / step) * step - step / 2
        edges = np.unique(np.where(between > 0, between, edges))
    return np.asarray(edges, dtype=np.float64)
