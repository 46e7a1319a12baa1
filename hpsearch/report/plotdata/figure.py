"""What a picture consists of: panels with axes and marks, in the units of the data.

``report.plotly`` and ``report.matplotlib`` draw these values, so that a page, a report and a file agree. All
limits, reductions and texts are decided before; a face only chooses colours, fonts and sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats

Ints = NDArray[np.int64]


class Role(StrEnum):
    """What a mark stands for. The states of trials have their own names here."""

    DONE = "done"  #: a trial with a loss
    FAILED = "failed"  #: a trial without a loss, or with an infinite one
    RUNNING = "running"
    PENDING = "pending"
    CANCELLED = "cancelled"
    PRUNED = "pruned"  #: a trial that was stopped early
    INVALID = "invalid"  #: a trial that a user marked; it does not count
    BEST = "best"  #: the best trials, or the best loss so far
    MEAN = "mean"  #: of a model of the losses
    OVERLAID = "overlaid"  #: a trial on a surface
    BEYOND = "beyond"  #: a loss outside the axis, drawn at its edge
    PRIOR = "prior"  #: what the space declares
    GUIDE = "guide"  #: a line of reference
    DOMINATED = "dominated"  #: a trial that another one beats in every objective
    INFEASIBLE = "infeasible"  #: a trial that exceeds a limit
    LIMIT = "limit"  #: the bound of an objective
    SERIES = "series"  #: one of several searches, which differ by ``Line.series``


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a panel."""

    title: str
    low: float  #: the end at the left or the bottom; it may be larger than the other
    high: float
    is_log: bool = False
    ticks: tuple[float, ...] | None = None  #: None: a face chooses round numbers
    tick_labels: tuple[str, ...] = ()  #: one for each of ``ticks``
    is_named: bool = False  #: whether the places have names and are no numbers
    is_tree: bool = False  #: whether the names are the lines of a tree, which need a font of fixed width


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Trials as points."""

    name: str  #: in the legend
    role: Role
    x: Floats  #: (n,)
    y: Floats  #: (n,)
    tids: Ints | None = None  #: (n,) numbers of the trials, if a point is a trial
    shades: Floats | None = None  #: (n,) from 0 for the worst to 1 for the best; colours from the scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A line, or several with NaN between them."""

    name: str
    role: Role
    x: Floats  #: (n,)
    y: Floats  #: (n,)
    is_step: bool = False  #: keep a value until the next one
    shade: float | None = None  #: from 0 for the worst to 1 for the best
    series: int = 0  #: number of the search, for the role ``SERIES``


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """The area between two lines; from a histogram, the one above 0."""

    name: str
    role: Role
    x: Floats  #: (n,)
    low: Floats  #: (n,)
    high: Floats  #: (n,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Bars on a linear axis, each at a place of the other axis."""

    name: str
    role: Role
    places: Floats  #: (n,) their middle lines
    starts: Floats  #: (n,)
    ends: Floats  #: (n,)
    width: float  #: in units of the places
    errors: Floats | None = None  #: (n,) half-widths of intervals around the ends
    is_vertical: bool = False
    tids: Ints | None = None  #: (n,) numbers of the trials, if a bar is a trial


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Density:
    """How many trials lie in each cell of a grid; for more trials than a picture can show as points."""

    x_edges: Floats  #: (k + 1,)
    y_edges: Floats  #: (m + 1,)
    counts: Ints  #: (m, k)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """A function of two parameters."""

    x: Floats  #: (k,)
    y: Floats  #: (m,)
    z: Floats  #: (m, k) losses, as shown
    title: str  #: of the scale
    is_smooth: bool  #: whether lines of equal values mean something
    is_reversed: bool  #: whether the highest value is the best


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A short text at a point."""

    x: float
    y: float
    text: str
    align: str = "left"  #: "left": the text begins at the point; "center"; "right": it ends there
    is_faint: bool = True


Mark = Points | Line | Band | Bars | Density | Surface | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    #: Trials without a loss, on a lane below ``y`` that reaches from -1 to 1.
    lane: tuple[Points | Density, ...] = ()
    title: str = ""
    note: str = ""  #: beside the title, such as "12 above"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The numbers of a picture, for those who do not see it."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture."""

    kind: str
    title: str
    caption: str  #: what it shows of this search, or why there is nothing to show; a sentence or two
    panels: tuple[Panel, ...] = ()  #: row by row; empty if there is nothing to show
    n_columns: int = 1
    height: float = 3.4  #: in inches, without title and legend, at a width of 9
    table: Table = Table(header=(), rows=())
