"""How much each parameter matters, as bars with bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpsearch.core.outcomes import Outcomes
from hpsearch.report.importance_text import importance_sentences
from hpsearch.report.numbers.importance import Importance, Method, ParameterImportance
from hpsearch.report.plotdata.captions import nothing
from hpsearch.report.plotdata.figure import Axis, Bars, Figure, Note, Panel, Role, Table
from hpsearch.report.plotdata.parameter_axis import shortened
from hpsearch.report.plotdata.search import SearchData

#: Bars: at least, at most, and for shares from here on; characters of a label.
_MIN_BARS, _MAX_BARS, _MIN_SHARE, _LABEL = 5, 20, 0.005, 24
_TITLE = "Importance of the parameters"


def importance(sources: tuple[SearchData, ...]) -> Figure:
    """Build the bars.

    Parameters
    ----------
    sources : tuple of SearchData
        One search, with ``importance``.
    """
    arrays, found = sources[0].arrays, sources[0].importance
    if arrays.outcomes is not None and sources[0].importances:
        return _of_each(arrays.outcomes, sources[0].importances)
    if not arrays.has_loss.any():
        return nothing("importance", _TITLE, arrays)
    caption = "" if found is None else " ".join(importance_sentences(found))
    if found is None or not found.parameters:
        return Figure(kind="importance", title=_TITLE, caption=caption or "Not enough is known yet.")
    n_telling = sum(parameter.share >= _MIN_SHARE for parameter in found.parameters)
    shown = found.parameters[: min(max(n_telling, _MIN_BARS), _MAX_BARS)]
    more = len(found.parameters) - len(shown)
    return Figure(
        kind="importance",
        title=_TITLE,
        caption=caption + (f" {more} more matter less." if more > 0 else ""),
        panels=(_bars(found, shown),),
        height=0.9 + 0.28 * len(shown),
        table=Table(
            header=("parameter", "share", "band"),
            rows=tuple((p.label, f"{p.share:.2f}", _band(p.band)) for p in found.parameters),
        ),
    )


def _of_each(outcomes: Outcomes, found: Sequence[Importance]) -> Figure:
    """Return a panel for each objective, with the same parameters in the same order."""
    known = [one for one in found if one.parameters]
    if not known:
        return Figure(kind="importance", title=_TITLE, caption="Not enough is known yet.")
    most = {
        p.label: max(q.share for one in known for q in one.parameters if q.label == p.label)
        for p in known[0].parameters
    }
    labels = sorted(most, key=lambda label: -most[label])[:_MAX_BARS]
    by_label = [{p.label: p for p in one.parameters} for one in found]
    rows = tuple(
        (label, *(f"{of[label].share:.2f}" if label in of else "" for of in by_label)) for label in labels
    )
    tops = [
        f"{labels_of[0]} matters most for {name}"
        for name, one in zip(outcomes.names, found, strict=True)
        if (labels_of := [p.label for p in one.parameters])
    ]
    return Figure(
        kind="importance",
        title=_TITLE,
        caption=f"How much of the differences in each objective a parameter accounts for: {', '.join(tops)}.",
        panels=tuple(
            replace(_bars(one, [of[label] for label in labels if label in of]), title=name)
            for name, one, of in zip(outcomes.names, found, by_label, strict=True)
            if one.parameters
        ),
        n_columns=min(len(known), 3),
        height=(0.9 + 0.28 * len(labels)) * -(-len(known) // 3),
        table=Table(header=("parameter", *outcomes.names), rows=rows),
    )


def _bars(found: Importance, shown: Sequence[ParameterImportance]) -> Panel:
    """Return the panel of some parameters."""
    shares = np.array([parameter.share for parameter in shown])
    bands = np.array([parameter.band or 0.0 for parameter in shown])
    places = np.arange(len(shown), dtype=float)
    end = float((shares + bands).max())
    bars = Bars(
        name="share",
        role=Role.DONE,
        places=places,
        starts=np.zeros(len(shown)),
        ends=shares,
        width=0.62,
        errors=bands if bands.any() else None,
    )
    notes = [
        Note(x=float(s + b) + 0.02 * end, y=float(y), text=_share(s, b), is_faint=False)
        for s, b, y in zip(shares, bands, places, strict=True)
    ]
    what = "share" if found.method is Method.GOOD_TRIALS else "share of the differences"
    return Panel(
        x=Axis(title=what, low=0.0, high=1.2 * end),
        y=Axis(
            title="",
            low=len(shown) - 0.5,
            high=-0.5,
            ticks=tuple(places.tolist()),
            tick_labels=tuple(shortened(parameter.label, _LABEL) for parameter in shown),
            is_named=True,
        ),
        marks=(bars, *notes),
    )


def _share(share: float, band: float) -> str:
    return f"{share:.2f} ± {band:.2f}" if band else f"{share:.2f}"


def _band(band: float | None) -> str:
    return "" if band is None else f"± {band:.2f}"
