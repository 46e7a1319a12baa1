"""The tree of choices: how many trials each branch got, and how good they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.trial import State
from hpsearch.report.plotdata.captions import nothing
from hpsearch.report.plotdata.figure import Axis, Figure, Mark, Note, Panel, Points, Role, Table
from hpsearch.report.plotdata.goal import best_word
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.parameter_axis import shortened
from hpsearch.report.plotdata.reduction import thinned
from hpsearch.report.plotdata.round_ticks import round_ticks
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import count_text, number
from hpsearch.space.distribution import Categorical
from hpsearch.space.parameters import Condition, Parameter

#: Rows of the tree, losses of a row, and characters of a row's name.
_MAX_ROWS, _MAX_POINTS, _NAME = 40, 120, 34
#: Options of the best trial that the caption names.
_MAX_PATH = 4
#: Room for texts on the right, as a share of the axis.
_ROOM = 0.42
_TITLE = "The tree of choices"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Branch:
    """One option of a choice, in one place of the tree."""

    choice: str
    option: str  #: name of the option
    depth: int  #: 0 for choices that are always made
    rows: NDArray[np.intp]  #: trials in the branch
    best: float | None  #: lowest minimised loss


def branches(sources: tuple[SearchData, ...]) -> Figure:
    """Build a row for each option of each choice, indented below the option that it depends on.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    arrays = sources[0].arrays
    if not arrays.has_loss.any():
        return nothing("branches", _TITLE, arrays)
    found = branches_of(arrays)
    if not found:
        return Figure(kind="branches", title=_TITLE, caption="The space has no choices.")
    shown = found[:_MAX_ROWS]
    axis = loss_axis(arrays.losses[arrays.has_loss], arrays.goal)
    left = f" Shown are {len(shown)} of {len(found)} branches." if len(found) > len(shown) else ""
    places = [float(i) for i in range(len(shown))]
    panel = Panel(
        x=_with_room(axis),
        y=Axis(
            title="",
            low=len(shown) - 0.5,
            high=-0.5,
            ticks=tuple(places),
            tick_labels=_row_names(shown),
            is_named=True,
            is_tree=True,
        ),
        marks=tuple(_marks(arrays, shown, axis)),
        note=axis.note,
    )
    return Figure(
        kind="branches",
        title=_TITLE,
        caption=f"{_caption(arrays, found)}{left}",
        panels=(panel,),
        height=1.0 + 0.26 * len(shown),
        table=_table(arrays, found),
    )


def branches_of(arrays: SearchArrays) -> list[Branch]:
    """Return the branches, depth first; the options of a choice by their best loss.

    Parameters
    ----------
    arrays : SearchArrays
        The trials; invalid ones do not count.
    """
    parameters = {parameter.label: parameter for parameter in arrays.space.parameters}
    choices = [parameters[label] for label in arrays.space.labels if _is_choice(parameters[label])]
    everything = np.flatnonzero(~arrays.is_invalid)
    return list(_below(arrays, choices, None, everything, 0))


def _is_choice(parameter: Parameter) -> bool:
    distribution = parameter.distribution
    return isinstance(distribution, Categorical) and sum(p > 0 for p in distribution.probabilities) > 1


def _below(
    arrays: SearchArrays,
    choices: list[Parameter],
    above: Condition | None,
    rows: NDArray[np.intp],
    depth: int,
) -> Iterator[Branch]:
    """Yield the branches of the choices that are made because of one option; None: of those always made."""
    for choice in choices:
        if not any((path[-1] if path else None) == above for path in choice.paths):
            continue
        j = arrays.column(choice.label)
        assert isinstance(choice.distribution, Categorical)
        options = [i for i, p in enumerate(choice.distribution.probabilities) if p > 0]
        found = [(i, rows[arrays.active[rows, j] & (arrays.values[rows, j] == i)]) for i in options]
        for i, own in sorted(found, key=lambda pair: _rank(arrays, pair[1])):
            best = _best(arrays, own)
            name = arrays.space.option_names(choice.label)[i]
            yield Branch(choice=choice.label, option=name, depth=depth, rows=own, best=best)
            yield from _below(arrays, choices, Condition(label=choice.label, option=i), own, depth + 1)


def _best(arrays: SearchArrays, rows: NDArray[np.intp]) -> float | None:
    losses = arrays.losses[rows]
    return float(np.nanmin(losses)) if np.isfinite(losses).any() else None


def _rank(arrays: SearchArrays, rows: NDArray[np.intp]) -> tuple[bool, float]:
    best = _best(arrays, rows)
    return best is None, best or 0.0


def _row_names(branches: list[Branch]) -> tuple[str, ...]:
    """Return the lines of the tree, as long as the longest."""
    names = []
    for branch in branches:
        indent = "  " * (branch.depth - 1) + "└ " if branch.depth else ""
        names.append(indent + shortened(f"{branch.choice} = {branch.option}", _NAME - len(indent)))
    longest = max(map(len, names))
    return tuple(name.ljust(longest) for name in names)


def _with_room(axis: LossAxis) -> Axis:
    """Return the axis of the losses with room for texts on the right, where it has no ticks."""
    low, high, is_log = axis.axis.low, axis.axis.high, axis.axis.is_log
    end = high * (high / low) ** _ROOM if is_log else high + _ROOM * (high - low)
    ticks = round_ticks(low, high, is_log=is_log)
    return Axis(
        title=axis.axis.title,
        low=low,
        high=end,
        is_log=is_log,
        ticks=ticks,
        tick_labels=tuple(number(tick) for tick in ticks),
    )


def _marks(arrays: SearchArrays, shown: list[Branch], axis: LossAxis) -> Iterator[Mark]:
    best_of_all = arrays.best_row()
    for role, name in ((Role.DONE, "trial"), (Role.BEYOND, "off the scale")):
        rows, y = [], []
        for i, branch in enumerate(shown):
            own = branch.rows[np.isfinite(arrays.losses[branch.rows])]
            own = own[np.argsort(arrays.losses[own], kind="stable")]
            own = own[axis.beyond(arrays.losses[own]) == (role is Role.BEYOND)]
            rows.append(thinned(own, _MAX_POINTS))
            y.append(np.full(len(rows[-1]), float(i)))
        all_rows = np.concatenate(rows)
        if len(all_rows):
            x = axis.place(arrays.losses[all_rows])
            yield Points(name=name, role=role, x=x, y=np.concatenate(y), tids=arrays.tids[all_rows])
    leading = [i for i, branch in enumerate(shown) if best_of_all in branch.rows]
    if best_of_all is not None and leading:
        x = np.repeat(axis.place(arrays.losses[[best_of_all]]), len(leading))
        tids = np.repeat(arrays.tids[[best_of_all]], len(leading))
        yield Points(name="best", role=Role.BEST, x=x, y=np.array(leading, dtype=float), tids=tids)
    for i, branch in enumerate(shown):
        yield Note(x=axis.axis.high, y=float(i), text=_text(arrays, branch), is_faint=i not in leading)


def _text(arrays: SearchArrays, branch: Branch) -> str:
    trials = count_text(len(branch.rows), "trial")
    n_failed = _n_failed(arrays, branch)
    failed = f", {n_failed:,} failed" if n_failed else ""
    if branch.best is None:
        return f"{trials}{failed}"
    return f"{number(arrays.goal.value(branch.best))}  {trials}{failed}"


def _n_failed(arrays: SearchArrays, branch: Branch) -> int:
    return int(arrays.in_state(State.FAILED)[branch.rows].sum())


def _caption(arrays: SearchArrays, found: list[Branch]) -> str:
    best = arrays.best_row()
    path = [f"{branch.choice} = {branch.option}" for branch in found if best in branch.rows]
    more = f" and {len(path) - _MAX_PATH} more" if len(path) > _MAX_PATH else ""
    return (
        f"Losses of the trials in each branch, with the {best_word(arrays.goal)} one and the counts. "
        f"The best trial has {', '.join(path[:_MAX_PATH])}{more}."
    )


def _table(arrays: SearchArrays, found: list[Branch]) -> Table:
    rows = tuple(
        (
            f"{'- ' * branch.depth}{branch.choice} = {branch.option}",
            f"{len(branch.rows):,}",
            f"{_n_failed(arrays, branch):,}",
            "" if branch.best is None else number(arrays.goal.value(branch.best)),
        )
        for branch in found
    )
    return Table(header=("branch", "trials", "failed", f"best {arrays.goal.name}"), rows=rows)
