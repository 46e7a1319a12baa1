"""The contents of a scatter plot of every parameter against the accuracy, as values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convnet.results import Record
from hpsearch import Space
from hpsearch.space.distribution import Categorical, Distribution, Integer, Numeric
from hpsearch.space.expression import Choice, Literal, Node, Number
from hpsearch.space.parameters import Parameter, contents

#: A number with at most this many values is shown in columns, like a choice.
_MAX_COLUMNS = 6

#: Width over which the points of a column are spread; columns are 1 apart.
_SPREAD = 0.56

_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One trial in one panel."""

    tid: int  #: the number of the trial
    x: float  #: the value; in a panel with columns, the number of the column and a jitter
    accuracy: float | None  #: None of a trial that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One parameter, and the trials in which it is active."""

    label: str
    columns: tuple[str, ...]  #: what stands below the columns 0, 1, ...; empty for an axis of numbers
    is_log: bool  #: whether that axis is logarithmic
    bounds: tuple[float, float]  #: its ends: what the parameter can be
    points: tuple[Point, ...]


def make_panels(space: Space, records: Sequence[Record]) -> tuple[Panel, ...]:
    """Return a panel of the trials for each parameter, in the space's order.

    Parameters
    ----------
    space : Space
        Its numbers have bounds.
    records : sequence of Record
        The trials.

    Raises
    ------
    SpaceError
        If a record is of another space.
    """
    for record in records:
        space.validate(record.values)
    return tuple(_panel(space, parameter, records) for parameter in space.parameters)


def _panel(space: Space, parameter: Parameter, records: Sequence[Record]) -> Panel:
    """Make the panel of one parameter."""
    label, distribution = parameter.label, parameter.distribution
    low, high = _ends(distribution)
    columns = _columns(space.nodes[label], low, high)
    points = []
    for record in records:
        if label in record.values:
            x = float(record.values[label])
            if columns:
                step = (high - low) / max(len(columns) - 1, 1) or 1.0
                x = _jittered(round((x - low) / step), record.tid)
            points.append(Point(tid=record.tid, x=x, accuracy=record.accuracy))
    return Panel(
        label=label,
        columns=columns,
        is_log=isinstance(distribution, Numeric) and distribution.is_log and not columns,
        bounds=(-0.5, len(columns) - 0.5) if columns else (low, high),
        points=tuple(points),
    )


def _ends(distribution: Distribution) -> tuple[float, float]:
    """Return the lowest and the highest raw value."""
    match distribution:
        case Categorical(probabilities=probabilities):
            return 0, len(probabilities) - 1
        case Integer(low=low, high=high):
            return low, high - 1
        case Numeric():
            return distribution.support()


def _columns(node: Number | Choice, low: float, high: float) -> tuple[str, ...]:
    """Return the names of the columns, in order; empty for a numeric axis."""
    if isinstance(node, Choice):
        return tuple(map(_option_name, node.options))
    n_values = node.distribution.n_values
    if n_values is None or n_values > _MAX_COLUMNS:
        return ()
    return tuple(f"{value:g}" for value in np.linspace(low, high, n_values))


def _option_name(option: Node) -> str:
    """Name an option by its value, or else by the parameters that it brings."""
    if isinstance(option, Literal):
        return "none" if option.value is None else str(option.value)
    return "\n".join(inner.label for inner in contents(option)) or "other"


def _jittered(place: int, tid: int) -> float:
    """Return the offset of a point in its column, by multiples of the golden ratio, which stay apart."""
    return place + _SPREAD * ((tid * _GOLDEN_RATIO) % 1 - 0.5)
