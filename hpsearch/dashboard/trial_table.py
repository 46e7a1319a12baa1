"""The table of trials on a page: what the address asks for, and the cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from hpsearch.core.experiment import Experiment
from hpsearch.core.goal import Goal
from hpsearch.core.trial import State, Trial
from hpsearch.core.trial_fields import metrics_of
from hpsearch.dashboard.columns import FIELDS, Selection
from hpsearch.report.failures import failure_reason, failure_text
from hpsearch.report.text import duration_text, value_text
from hpsearch.report.trial_columns import metric_names

#: Trials of one page.
PAGE = 100
#: Columns of parameters and of metrics, unless the reader asks for all; and characters of a cell.
_MAX_PARAMS, _MAX_METRICS, _MAX_CELL = 10, 6, 80
#: Characters of a search text, and trials in an address.
_MAX_TEXT, _MAX_TIDS = 200, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRequest:
    """What the address of a page asks for."""

    selection: Selection
    page: int = 1
    is_wide: bool = False  #: show all columns

    @property
    def has_condition(self) -> bool:
        """Whether the text is a condition, such as ``lr < 1e-3``."""
        return any(sign in self.selection.text for sign in "<>=")

    def query(self, **changes: Any) -> str:
        """Return the query of the address with some fields changed; an empty one becomes ``?``."""
        page, is_wide = changes.pop("page", 1), changes.pop("is_wide", self.is_wide)
        wanted = replace(self.selection, **changes)
        pairs: list[tuple[str, Any]] = [("state", str(state)) for state in State if state in wanted.states]
        if wanted.is_invalid:
            pairs.append(("state", "invalid"))
        if wanted.text:
            pairs.append(("q", wanted.text))
        if wanted.tids:
            pairs.append(("tids", ",".join(map(str, sorted(wanted.tids)))))
        if (wanted.sort, wanted.is_descending) != ("trial", True):
            pairs.append(("sort", f"{'-' if wanted.is_descending else ''}{wanted.sort}"))
        if page > 1:
            pairs.append(("page", page))
        if is_wide:
            pairs.append(("wide", "1"))
        return f"?{urlencode(pairs)}"

    def sorted_by(self, column: str) -> str:
        """Return the query that sorts by a column, and turns the order of the present one round."""
        is_present = self.selection.sort == column
        is_descending = not self.selection.is_descending if is_present else column in {"trial", "finished"}
        return self.query(sort=column, is_descending=is_descending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell."""

    text: str  #: shortened
    full: str = ""  #: the whole text where ``text`` is only a part
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The head of a column."""

    title: str
    query: str | None  #: sorts by the column; None if that is not possible
    direction: str | None = None  #: "ascending" or "descending" if the table is sorted by it


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTable:
    """A page of trials."""

    request: TableRequest
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Trial, tuple[Cell, ...]], ...]
    n: int  #: all trials that were asked for
    n_pages: int
    n_hidden: int  #: columns that are not shown
    note: str  #: what the reader should know of the choice; may be empty


def table_request(query: QueryParams, labels: Sequence[str]) -> TableRequest:
    """Return what an address asks for; what it asks for wrongly is ignored.

    Parameters
    ----------
    query : QueryParams
        Of the address.
    labels : sequence of str
        Labels of the parameters, by which trials can be sorted.
    """
    names = query.getlist("state")
    order = query.get("sort", "-trial")
    sort = order.removeprefix("-")
    if sort not in {*FIELDS, *labels}:
        order, sort = "-trial", "trial"
    selection = Selection(
        states=frozenset(State(name) for name in names if name in set(State)),
        is_invalid="invalid" in names,
        text=query.get("q", "").strip()[:_MAX_TEXT],
        tids=frozenset(_numbers(query.get("tids", ""))),
        sort=sort,
        is_descending=order.startswith("-"),
    )
    page = query.get("page", "1")
    return TableRequest(
        selection=selection,
        page=max(1, int(page)) if page.isdecimal() and len(page) < 9 else 1,
        is_wide=query.get("wide") == "1",
    )


def trial_table(
    request: TableRequest,
    trials: Sequence[Trial],
    n: int,
    experiment: Experiment,
    labels: Sequence[str],
    note: str = "",
) -> TrialTable:
    """Return a page of trials as cells.

    Parameters
    ----------
    request : TableRequest
        What the address asks for.
    trials : sequence of Trial
        The trials of the page, in full and in order.
    n : int
        All trials that match.
    experiment : Experiment
        Their search.
    labels : sequence of str
        Labels of the parameters in reading order.
    note : str
        What the reader should know of the choice.
    """
    goal = experiment.goal
    metrics = [name for name in metric_names(trials) if name != goal.metric]
    used = [label for label in labels if any(label in trial.params for trial in trials)] or list(labels)
    shown_labels = used if request.is_wide else used[:_MAX_PARAMS]
    shown_metrics = metrics if request.is_wide else metrics[:_MAX_METRICS]
    n_hidden = len(used) + len(metrics) - len(shown_labels) - len(shown_metrics)
    sortable = ["trial", None, "loss", None, *shown_labels, *(None for _ in shown_metrics), "finished", None]
    titles = ["trial", "state", goal.name, "duration", *shown_labels, *shown_metrics, "finished", "worker"]
    headings = [
        Heading(
            title=title,
            query=None if column is None else request.sorted_by(column),
            direction=_direction(request.selection) if column == request.selection.sort else None,
        )
        for title, column in zip(titles, sortable, strict=True)
    ]
    rows = [(trial, tuple(_cells(trial, goal, shown_labels, shown_metrics))) for trial in trials]
    return TrialTable(
        request=request,
        headings=tuple(headings),
        rows=tuple(rows),
        n=n,
        n_pages=max(1, math.ceil(n / PAGE)),
        n_hidden=n_hidden,
        note=note,
    )


def cell(value: Any) -> Cell:
    """Return a value as a cell."""
    if value is None:
        return Cell(text="")
    text = value_text(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if len(text) > _MAX_CELL:
        return Cell(text=f"{text[: _MAX_CELL - 1]}…", full=text[: 50 * _MAX_CELL], is_number=is_number)
    return Cell(text=text, full=str(value) if isinstance(value, float) else "", is_number=is_number)


def state_text(trial: Trial) -> str:
    """Return the state of a trial as people see it."""
    return "invalid" if trial.invalid is not None else str(trial.state)


def _cells(trial: Trial, goal: Goal, labels: Sequence[str], metrics: Sequence[str]) -> list[Cell]:
    found = metrics_of(trial)
    why = failure_text(trial) if trial.error is not None else ""
    return [
        cell(trial.tid),
        Cell(text=state_text(trial), full=why),
        cell(goal.value(trial.loss)) if trial.loss is not None else Cell(text=_reason(trial), full=why),
        Cell(text="" if trial.duration_s is None else duration_text(trial.duration_s), is_number=True),
        *(_param(trial.params, label) for label in labels),
        *(cell(found.get(name)) for name in metrics),
        Cell(text="" if trial.finished_at is None else trial.finished_at.strftime("%m-%d %H:%M:%S")),
        cell(trial.worker.name if trial.worker else None),
    ]


def _reason(trial: Trial) -> str:
    """Return why a trial has no loss, in a word."""
    return cell(failure_reason(trial)).text if trial.error is not None else ""


def _param(params: Mapping[str, Any], label: str) -> Cell:
    if label not in params:
        return Cell(text="·", full="inactive in this trial")
    value = params[label]
    return cell("None" if value is None else value)


def _direction(selection: Selection) -> str:
    return "descending" if selection.is_descending else "ascending"


def _numbers(text: str) -> list[int]:
    parts = text.split(",", _MAX_TIDS)[:_MAX_TIDS]
    return [int(part) for part in parts if part.isdecimal() and len(part) < 19]
