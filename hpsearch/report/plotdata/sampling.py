"""What the space declares for each parameter, what the search tries now, and where its best trials are."""

from __future__ import annotations

import math

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.plotdata.captions import left_out
from hpsearch.report.plotdata.chosen_parameters import chosen_labels
from hpsearch.report.plotdata.figure import Axis, Band, Bars, Figure, Mark, Panel, Points, Role
from hpsearch.report.plotdata.parameter_axis import ParameterAxis, parameter_axis
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import count_text

#: Panels, unless the reader chooses the parameters.
_MAX_PANELS, _MAX_COLUMNS = 12, 4
_ROW = 2.2
#: Share of the trials that stands for now, at least, and of the best ones, at least.
_NOW, _MIN_NOW, _BEST, _MIN_BEST = 0.25, 10, 0.1, 3
#: Draws from the prior, and most marks of best trials.
_N_DRAWS, _MAX_MARKS = 20_000, 60
#: Bins of a number.
_MIN_BINS, _MAX_BINS = 6, 20
_TITLE = "Declared, tried now, and best"


def sampling(sources: tuple[SearchData, ...]) -> Figure:
    """Build a panel for each parameter.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    source, arrays = sources[0], sources[0].arrays
    if not len(arrays):
        return Figure(kind="sampling", title=_TITLE, caption=f"{arrays.exp_key} has no trials yet.")
    labels = chosen_labels(source, _MAX_PANELS)
    n_now = min(max(math.ceil(_NOW * len(arrays)), _MIN_NOW), len(arrays))
    best = _best_rows(arrays)
    panels = tuple(_panel(arrays, label, n_now, best) for label in labels)
    n_columns = min(max(len(panels), 1), _MAX_COLUMNS)
    caption = (
        f"Grey is what the space declares, blue are the last {count_text(n_now, 'trial')}, and marks are the "
        f"best {len(best)}.{left_out(len(labels), arrays)}"
    )
    return Figure(
        kind="sampling",
        title=_TITLE,
        caption=caption,
        panels=panels,
        n_columns=n_columns,
        height=max(_ROW * -(-len(panels) // n_columns), 3.0),
    )


def _best_rows(arrays: SearchArrays) -> np.ndarray:
    rows = np.flatnonzero(arrays.has_loss)
    n = min(max(math.ceil(_BEST * len(rows)), _MIN_BEST), _MAX_MARKS, len(rows))
    return rows[np.argsort(arrays.losses[rows], kind="stable")[:n]]


def _panel(arrays: SearchArrays, label: str, n_now: int, best: np.ndarray) -> Panel:
    j = arrays.column(label)
    is_active = arrays.active[:, j]
    scale = parameter_axis(arrays.space, label, arrays.values[is_active, j])
    # Evenly spread draws would need the inverse of each distribution; many random ones look the same.
    prior = arrays.space.nodes[label].distribution.sample_many(np.random.default_rng(0), _N_DRAWS)
    now = np.zeros(len(arrays), dtype=bool)
    now[-n_now:] = True
    recent = arrays.values[now & is_active, j]
    edges = scale.edges if scale.columns else _coarse(scale.edges, len(recent))
    declared, tried = _shares(scale, prior, edges), _shares(scale, recent, edges)
    top = 1.12 * max(float(declared.max()), float(tried.max()), 1e-9)
    low = -0.14 * top
    chosen = best[is_active[best]]
    x = scale.spread(arrays.values[chosen, j], arrays.tids[chosen])
    marks = [
        *_histogram(scale, edges, declared, Role.PRIOR, "declared"),
        *_histogram(scale, edges, tried, Role.DONE, "tried now"),
        Points(
            name="best trials",
            role=Role.BEST,
            x=x,
            y=np.full(len(chosen), 0.5 * low),
            tids=arrays.tids[chosen],
        ),
    ]
    note = "" if is_active[now].all() else f"{is_active[now].mean():.0%} of the last have it"
    return Panel(x=scale.axis, y=Axis(title="share", low=low, high=top), marks=tuple(marks), note=note)


def _coarse(edges: Floats, n: int) -> Floats:
    """Return fewer edges, as many as ``n`` values fill."""
    n_bins = min(max(math.ceil(2 * math.sqrt(n)), _MIN_BINS), _MAX_BINS)
    step = max(math.ceil((len(edges) - 1) / n_bins), 1)
    chosen = edges[::step]
    return chosen if chosen[-1] == edges[-1] else np.append(chosen, edges[-1])


def _shares(scale: ParameterAxis, values: Floats, edges: Floats) -> Floats:
    """Return the share of the values in each bin, (k,); values beyond the axis count in the outer bins."""
    places = np.clip(scale.place(values), edges[0], edges[-1])
    return np.asarray(np.histogram(places, edges)[0] / max(len(values), 1))


def _histogram(scale: ParameterAxis, edges: Floats, shares: Floats, role: Role, name: str) -> list[Mark]:
    if scale.columns:
        width = 0.8 if role is Role.PRIOR else 0.4
        zeros = np.zeros(len(shares))
        places = np.arange(len(shares), dtype=float)
        return [
            Bars(
                name=name, role=role, places=places, starts=zeros, ends=shares, width=width, is_vertical=True
            )
        ]
    x, high = np.repeat(edges, 2)[1:-1], np.repeat(shares, 2)
    return [Band(name=name, role=role, x=x, low=np.zeros(len(x)), high=high)]
