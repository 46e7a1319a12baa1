"""Columns of trials: fields of the document, parameters, and metrics that the objective returned.

A column is named like the field, the parameter or the metric. Where two of them share a name, the field comes
first, then the parameter; ``params.NAME`` and ``result.NAME`` name the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Trial
from hpsearch.core.trial_fields import FIELDS, OUTCOME_METRICS, SYNONYMS, metrics_of
from hpsearch.report.failures import failure_text

if TYPE_CHECKING:
    from hpsearch.report.believed_trials import BelievedTrials


class _NoneOption(str):
    """The text of the option None of a choice, unlike that of an inactive parameter or of a text "None"."""

    __slots__ = ()


_NONE = _NoneOption("None")

#: The fields that can be columns, by name.
_FIELDS: Mapping[str, Callable[[Trial], Any]] = MappingProxyType(
    {
        **FIELDS,
        "error": lambda trial: failure_text(trial) if trial.error else None,
        "params": lambda trial: trial.params,
        "active": lambda trial: list(trial.params),
    }
)

#: Fields that lists show: a short list, the best trials, and what wide tables and CSV get beside params.
LIST_FIELDS = (
    "tid", "state", "loss", "origin", "duration_s", "worker", "error", "invalid", "tags", "note", "params",
)  # fmt: skip
BEST_FIELDS = ("tid", "loss", "duration_s", "worker", "finished_at", "params")
WIDE_FIELDS = (
    "tid", "state", "loss", "origin", "attempt", "worker", "duration_s", "error", "invalid", "tags", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list of trials."""

    title: str  #: its name in CSV and JSON
    read: Callable[[Trial], Any]  #: returns the cell of a trial; None if it has none


def field_columns(names: Iterable[str], goal: Goal = LOSS, outcomes: Outcomes | None = None) -> list[Column]:
    """Return the columns of fields.

    Parameters
    ----------
    names : iterable of str
        Names of the fields.
    goal : Goal
        That of the search; its number is shown in place of the loss.
    outcomes : Outcomes, optional
        Those of the search; several losses, and the amount of the violation, are shown in that place.
    """
    names, columns = list(names), list[Column]()
    for name in names:
        is_loss = name == "loss"
        columns += loss_columns(goal, outcomes, names) if is_loss else [Column(name, _FIELDS[name])]
    return columns


def loss_columns(goal: Goal, outcomes: Outcomes | None = None, taken: Collection[str] = ()) -> list[Column]:
    """Return the columns of what a search optimizes, and of the violation where it has limits.

    Parameters
    ----------
    goal : Goal
        That of a search with one objective.
    outcomes : Outcomes, optional
        Those of the search.
    taken : collection of str
        Titles of other columns.
    """
    if outcomes is None:
        return [goal_column(goal)]
    names = outcomes.names if outcomes.has_several_objectives else ()
    columns = [Column(_title(name, "result", taken), _metric(name)) for name in names]
    columns = columns or [goal_column(goal)]
    return [*columns, Column("violation", _metric("violation"))] if outcomes.limits else columns


def believed_column(believed: BelievedTrials, goal: Goal = LOSS) -> Column:
    """Return the column of the losses that trials are believed to have without noise.

    Parameters
    ----------
    believed : BelievedTrials
        What is believed.
    goal : Goal
        That of the search.
    """
    losses = believed.losses
    return Column(f"believed_{goal.name}", lambda t: goal.value(losses[t.tid]) if t.tid in losses else None)


def goal_column(goal: Goal) -> Column:
    """Return the column of what a search minimises or maximises, as the objective returned it."""
    is_taken = goal.name in FIELDS and not goal.is_loss
    title = f"result.{goal.name}" if is_taken else goal.name
    return Column(title, lambda trial: None if trial.loss is None else goal.value(trial.loss))


def all_columns(
    trials: Sequence[Trial],
    labels: Sequence[str] = (),
    goal: Goal = LOSS,
    outcomes: Outcomes | None = None,
    names: Sequence[str] = WIDE_FIELDS,
) -> list[Column]:
    """Return fields, by default the usual ones, and a column for each parameter and each metric.

    Parameters
    ----------
    trials : sequence of Trial
        The trials of the list, whose parameters and metrics count.
    labels : sequence of str
        The parameters of the space in reading order; others follow.
    goal : Goal
        That of the search.
    outcomes : Outcomes, optional
        Those of the search.
    names : sequence of str
        The fields.
    """
    fields = field_columns(names, goal, outcomes)
    shown = {*outcomes.names, *OUTCOME_METRICS} if outcomes else set()
    taken = {column.title for column in fields} | {*names}
    params = [Column(_title(label, "params", taken), _param(label)) for label in _labels(trials, labels)]
    taken |= {column.title for column in params}
    others = (name for name in metric_names(trials) if goal.is_loss or name != (goal.metric or "loss"))
    metrics = [Column(_title(name, "result", taken), _metric(name)) for name in others if name not in shown]
    return [*fields, *params, *metrics]


def chosen_columns(
    names: Iterable[str],
    trials: Sequence[Trial],
    labels: Sequence[str] = (),
    goal: Goal = LOSS,
    outcomes: Outcomes | None = None,
) -> list[Column]:
    """Return columns by name.

    Parameters
    ----------
    names : iterable of str
        Names of fields (also "trial" for "tid"), parameters or metrics.
    trials, labels, goal, outcomes
        As for ``all_columns``.

    Raises
    ------
    KeyError
        If a name is unknown; its argument is the name.
    """
    known = known_columns(trials, labels, goal, outcomes)
    return [Column(name, known[name]) for name in names]


def known_columns(
    trials: Sequence[Trial],
    labels: Sequence[str] = (),
    goal: Goal = LOSS,
    outcomes: Outcomes | None = None,
) -> dict[str, Callable[[Trial], Any]]:
    """Return how to read each column that exists, by name.

    Parameters
    ----------
    trials, labels, goal, outcomes
        As for ``all_columns``.
    """
    several = outcomes.names if outcomes is not None and outcomes.has_several_objectives else ()
    params = {label: _param(label) for label in _labels(trials, labels)}
    metrics = {name: _metric(name) for name in metric_names(trials)}
    return {
        goal.name: goal_column(goal).read,
        **{f"result.{name}": read for name, read in metrics.items()},
        **{f"params.{label}": read for label, read in params.items()},
        **metrics,
        **params,
        **_FIELDS,
        **{other: _FIELDS[name] for other, name in SYNONYMS.items()},
        **{name: _metric(name) for name in several},
    }


def trial_rows(
    trials: Iterable[Trial], columns: Sequence[Column], *, is_nested: bool = False
) -> list[dict[str, Any]]:
    """Return the cells of trials by title.

    Parameters
    ----------
    trials : iterable of Trial
        The trials, one a row.
    columns : sequence of Column
        The columns.
    is_nested : bool
        For JSON: the option None is None, and what a trial does not have is left out. In a table or CSV, the
        option None is the text "None", and the cell of an inactive parameter is empty.
    """
    rows = ({column.title: column.read(trial) for column in columns} for trial in trials)
    if not is_nested:
        return list(rows)
    return [
        {name: None if cell is _NONE else cell for name, cell in row.items() if cell is not None}
        for row in rows
    ]


def used_columns(columns: Iterable[Column], trials: Sequence[Trial]) -> list[Column]:
    """Return the columns in which a trial has a value; all of them if there are no trials.

    Parameters
    ----------
    columns : iterable of Column
        Possible columns.
    trials : sequence of Trial
        The trials of the list.
    """
    return (
        [c for c in columns if any(c.read(trial) is not None for trial in trials)] if trials else [*columns]
    )


def metric_names(trials: Iterable[Trial]) -> list[str]:
    """Return the names of the metrics of trials, in order of appearance."""
    return list(dict.fromkeys(name for trial in trials for name in metrics_of(trial)))


def _labels(trials: Iterable[Trial], labels: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*labels, *(label for trial in trials for label in trial.params)]))


def _param(label: str) -> Callable[[Trial], Any]:
    def read(trial: Trial) -> Any:
        if label not in trial.params:
            return None  # inactive
        value = trial.params[label]
        return _NONE if value is None else value

    return read


def _metric(name: str) -> Callable[[Trial], Any]:
    return lambda trial: metrics_of(trial).get(name)


def _title(name: str, kind: str, taken: Collection[str]) -> str:
    return f"{kind}.{name}" if name in taken else name
