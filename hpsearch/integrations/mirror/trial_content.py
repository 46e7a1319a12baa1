"""What a trial looks like in another tool: parameters, metrics and the curve of its reports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.core.goal import Goal
from hpsearch.core.trial import Trial

#: Name of the curve of a trial's intermediate values.
REPORT = "report"

#: Keys of a result that are no numbers of the objective.
_OURS = ("loss", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContent:
    """A finished trial for another tool."""

    trial: Trial
    params: Mapping[str, Any]  #: by label
    metrics: Mapping[str, float]  #: the loss under the name of the goal, and the numbers of the result
    curve: tuple[tuple[float, float], ...]  #: step and value of each report, in the user's sign


def content_of(trial: Trial, goal: Goal) -> TrialContent:
    """Return what to show of a trial.

    Parameters
    ----------
    trial : Trial
        A finished trial.
    goal : Goal
        Of its search.
    """
    metrics = dict(_numbers({key: value for key, value in trial.result.items() if key not in _OURS}))
    if trial.loss is not None:
        metrics[goal.name] = goal.value(trial.loss)
    if trial.duration_s is not None:
        metrics["duration_s"] = trial.duration_s
    curve = tuple((report.step, goal.value(report.value)) for report in trial.reports)
    return TrialContent(trial=trial, params=dict(trial.params), metrics=metrics, curve=curve)


def _numbers(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the finite numbers of a result, those of inner dicts as ``outer.inner``."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield name, float(value)
