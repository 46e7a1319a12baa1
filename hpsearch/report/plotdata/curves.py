"""Learning curves: what trials reported on their way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.goal import Goal
from hpsearch.core.history import Floats
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import State, Trial
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Mark, Note, Panel, Points, Role, Table
from hpsearch.report.plotdata.goal import as_shown
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.search import SearchData, role_of
from hpsearch.report.text import count_text, number

#: Curves, and points of one.
MAX_CURVES, _MAX_STEPS = 40, 200
#: Shades of the curves of trials with a loss.
_N_SHADES = 5
#: Stopped trials whose chances are written beside their curves.
_MAX_CHANCES = 12
_TITLE = "Learning curves"


def curves(sources: tuple[SearchData, ...]) -> Figure:
    """Build a curve for each trial, the best ones strongest.

    Parameters
    ----------
    sources : tuple of SearchData
        One search, with ``reporting``.
    """
    source, arrays = sources[0], sources[0].arrays
    shown = _ordered([t for t in source.reporting if _values(t).size])[:MAX_CURVES]
    if not shown:
        why = "has no trials yet" if not len(arrays) else "has no trial that reported intermediate values"
        return Figure(kind="curves", title=_TITLE, caption=f"{arrays.exp_key} {why}.")
    every = np.concatenate([_values(trial) for trial in shown])
    axis = loss_axis(every, arrays.goal)
    steps = np.concatenate([_steps(trial) for trial in shown])
    low, high = float(steps.min()), float(steps.max())
    margin = 0.02 * (high - low) or 0.5
    cut = _cut(shown)
    panel = Panel(
        x=Axis(title="step", low=low - margin, high=high + margin),
        y=axis.axis,
        marks=(*_rungs(cut, axis), *_marks(shown, axis), *_chances(cut, axis)),
        note=axis.note,
    )
    return Figure(
        kind="curves",
        title=_TITLE,
        caption=_caption(len(shown), cut),
        panels=(panel,),
        height=3.8,
        table=Table(
            header=("trial", "state", "last step", "last value", "why it was stopped"),
            rows=tuple(_row(trial, arrays.goal) for trial in shown),
        ),
    )


def _caption(n: int, cut: list[tuple[Trial, Verdict]]) -> str:
    text = f"What {count_text(n, 'trial')} reported, the best ones strongest."
    if not cut:
        return text
    trial, verdict = cut[0]
    stopped = "one was" if len(cut) == 1 else f"{len(cut)} were"
    return (
        f"{text} The pruner stopped some early, at the vertical lines: {stopped}, such as trial {trial.tid}, "
        f"{verdict.reason}."
    )


def _cut(trials: list[Trial]) -> list[tuple[Trial, Verdict]]:
    """Return the trials that a pruner stopped, with its verdicts; those that got furthest first."""
    found = [(t, t.verdict) for t in trials if t.state is State.PRUNED and t.verdict is not None]
    return sorted(found, key=lambda pair: (-pair[1].step, pair[0].tid))


def _rungs(cut: list[tuple[Trial, Verdict]], axis: LossAxis) -> list[Mark]:
    """Return a vertical line at each step at which trials were stopped."""
    ends = np.array([axis.axis.low, axis.axis.high])
    steps = sorted({verdict.step for _, verdict in cut})
    return [Line(name="", role=Role.GUIDE, x=np.array([step, step]), y=ends) for step in steps]


def _chances(cut: list[tuple[Trial, Verdict]], axis: LossAxis) -> list[Mark]:
    """Return the chance that the pruner gave each stopped trial, beside the end of its curve."""
    return [
        Note(
            x=verdict.step,
            y=float(axis.place(np.array([verdict.value]))[0]),
            text=f"   {100 * verdict.chance:.1f} %",
        )
        for _, verdict in cut[:_MAX_CHANCES]
        if verdict.chance is not None and np.isfinite(verdict.value)
    ]


def _row(trial: Trial, goal: Goal) -> tuple[str, ...]:
    steps, values = _steps(trial), _values(trial)
    last = int(steps.argmax())
    why = trial.verdict.reason if trial.state is State.PRUNED and trial.verdict is not None else ""
    value = number(goal.value(float(values[last])))
    return str(trial.tid), str(trial.state), number(float(steps[last])), value, why


def _ordered(trials: list[Trial]) -> list[Trial]:
    """Return the best trials first, then those without a loss, the last ones first."""
    return sorted(trials, key=lambda t: (t.loss is None, t.loss or 0.0, -t.tid))


def _steps(trial: Trial) -> Floats:
    return np.array([report.step for report in trial.reports if np.isfinite(report.value)])


def _values(trial: Trial) -> Floats:
    """Return the reported values, (m,), which are minimised like losses."""
    return np.array([report.value for report in trial.reports if np.isfinite(report.value)])


def _marks(trials: list[Trial], axis: LossAxis) -> list[Mark]:
    """Return the curves, the best last, and a mark where one was cut."""
    with_loss = [trial for trial in trials if trial.loss is not None]
    marks: list[Mark] = []
    for rank, trial in reversed(list(enumerate(trials))):
        order = _decimated(np.argsort(_steps(trial), kind="stable"))
        # Beyond the axis, a face cuts the line.
        x, y = _steps(trial)[order], as_shown(axis.goal, _values(trial)[order])
        role = role_of(trial)
        shade = None
        if trial.loss is not None:
            level = (1 - rank / max(len(with_loss) - 1, 1)) * (_N_SHADES - 1)
            shade = round(level) / (_N_SHADES - 1)
        is_best = rank == 0 and trial.loss is not None
        name = "best" if is_best else "trial" if trial.loss is not None else str(role)
        marks.append(Line(name=name, role=Role.BEST if is_best else role, x=x, y=y, shade=shade))
        if trial.loss is None:
            tids = np.array([trial.tid], dtype=np.int64)
            end = axis.place(_values(trial)[order][-1:])
            marks.append(Points(name=str(role), role=role, x=x[-1:], y=end, tids=tids))
    return marks


def _decimated(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return at most some of the steps, with the last one."""
    if len(order) <= _MAX_STEPS:
        return order
    return order[np.unique(np.linspace(0, len(order) - 1, _MAX_STEPS).astype(np.intp))]
