"""Searches side by side: how good, how fast, how far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.coordination.progress import Progress
from hpsearch.core.goal import Goal
from hpsearch.core.trial import State, Trial
from hpsearch.report.summary import losses_in_order
from hpsearch.report.text import duration_text, number

Floats = NDArray[np.float64]

#: Numbers of finished trials after which the best losses are compared.
_AFTER = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One search of a comparison."""

    progress: Progress
    best_so_far: Floats  #: (n,) lowest loss after each finished trial, in order of completion; inf before any


def record_of(progress: Progress, points: Iterable[Trial]) -> SearchRecord:
    """Return what a comparison shows of a search.

    Parameters
    ----------
    progress : Progress
        Its progress.
    points : iterable of Trial
        All its trials; those that are not finished, or invalid, do not count.
    """
    losses = losses_in_order(points)
    return SearchRecord(progress, np.minimum.accumulate(np.where(np.isnan(losses), math.inf, losses)))


def comparison_rows(records: Sequence[SearchRecord]) -> list[dict[str, Any]]:
    """Return a row for each fact, with a column for each search; programs rely on the names of the facts.

    Parameters
    ----------
    records : sequence of SearchRecord
        The searches, in the order of the columns.
    """
    facts = [_facts(record, _steps(records)) for record in records]
    names = list(dict.fromkeys(name for one in facts for name in one))
    keys = [record.progress.experiment.exp_key for record in records]
    return [
        {"fact": name, **{key: one.get(name) for key, one in zip(keys, facts, strict=True)}} for name in names
    ]


def comparison_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``comparison_rows`` with text for people."""
    fact = row["fact"]
    is_time = fact in {"elapsed_s", "s_per_trial"}
    return {key: _cell(value, is_time=is_time) for key, value in row.items()}


def _cell(value: Any, *, is_time: bool) -> Any:
    if not isinstance(value, float):
        return value
    return duration_text(value) if is_time and value >= 10 else number(value)


def _steps(records: Sequence[SearchRecord]) -> list[int]:
    """Return the numbers of trials that at least one search has reached, up to the longest."""
    longest = max((len(record.best_so_far) for record in records), default=0)
    shared = min((len(record.best_so_far) for record in records), default=0)
    return sorted({n for n in (*_AFTER, shared) if 0 < n <= longest})


def _facts(record: SearchRecord, steps: Sequence[int]) -> dict[str, Any]:
    progress, best = record.progress, record.progress.best
    experiment, n = progress.experiment, progress.n_finished
    goal = experiment.goal
    after = {f"best_after_{step}": _at(record.best_so_far, step, goal) for step in steps}
    params = {} if best is None else {f"params.{label}": value for label, value in best.params.items()}
    return {
        "state": str(experiment.state),
        "objective": experiment.objective.ref or None,
        "algorithm": experiment.algorithm.name,
        "seed": experiment.seed,
        "done": progress.counts[State.DONE],
        "failed": progress.counts[State.FAILED],
        "pruned": progress.counts[State.PRUNED],
        "invalid": progress.n_invalid,
        "elapsed_s": float(progress.elapsed_s),
        "s_per_trial": float(progress.elapsed_s) / n if n else None,
        f"best_{goal.name}": None if best is None or best.loss is None else goal.value(best.loss),
        "best_tid": None if best is None else best.tid,
        **after,
        **params,
    }


def _at(best_so_far: Floats, step: int, goal: Goal) -> float | None:
    """Return the best number after some finished trials; None if there were not as many, or none."""
    if step > len(best_so_far):
        return None
    loss = float(best_so_far[step - 1])
    return None if loss == math.inf else goal.value(loss)
