"""A search in words: single lines for a log, and the page at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pprint import pformat
from typing import Any

from hpsearch.experiment import ExperimentState
from hpsearch.progress import Progress
from hpsearch.report.summary import FailureGroup, failure_reason
from hpsearch.trial import State, Trial


def number(value: float) -> str:
    """Return a number with the digits that matter to a reader."""
    return f"{value:.6g}"


def params_text(params: Mapping[str, Any]) -> str:
    """Return parameters on one line, as ``lr=0.013, optimizer=adam``."""
    return ", ".join(f"{label}={value_text(value)}" for label, value in params.items())


def value_text(value: Any) -> str:
    """Return one value, numbers shortened."""
    is_real = isinstance(value, float) and not isinstance(value, bool)
    return number(value) if is_real else str(value)


def duration_text(seconds: float | None) -> str:
    """Return a time as a person would say it: ``42 s``, ``3 min``, ``2 h 05 min``."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counts_text(progress: Progress) -> str:
    """Return ``12/40 done, 1 failed, 2 running, 2 pending``."""
    total = progress.experiment.budget.max_evals
    done = f"{progress.counts[State.DONE]}{f'/{total}' if total is not None else ''} done"
    others = (State.FAILED, State.RUNNING, State.PENDING, State.CANCELLED)
    shown = [f"{progress.counts[s]} {s}" for s in others if progress.counts[s] or s is not State.CANCELLED]
    return ", ".join([done, *shown])


def status_line(progress: Progress) -> str:
    """Return the state of a search on one line."""
    parts = [f"{progress.experiment.exp_key}: {counts_text(progress)}"]
    if progress.is_standby:
        parts.append("standby: another coordinator leads")
    elif progress.experiment.state is not ExperimentState.RUNNING:
        parts.append(str(progress.experiment.state))
    if progress.best is not None and progress.best.loss is not None:
        parts.append(f"best loss {number(progress.best.loss)}")
    if progress.per_minute is not None:
        parts.append(f"{progress.per_minute:.3g} trials/min")
    if progress.remaining_s is not None and progress.experiment.state is ExperimentState.RUNNING:
        parts.append(f"{duration_text(progress.remaining_s)} left")
    parts.append(workers_text(progress))
    return "; ".join(parts)


def workers_text(progress: Progress) -> str:
    """Return how many workers serve a search."""
    n = len(progress.workers)
    return "no worker alive" if n == 0 else f"{n} worker{'s' * (n > 1)}"


def improvement_line(best: Trial) -> str:
    """Return a new best trial on one line."""
    assert best.loss is not None  # it is done
    return (
        f"trial {best.tid}: best loss {number(best.loss)} with {params_text(best.params) or 'no parameters'}"
    )


def failure_line(trial: Trial) -> str:
    """Return a failed trial on one line."""
    message = trial.error.message if trial.error else ""
    first = message.strip().split("\n", 1)[0]
    text = f"trial {trial.tid} failed: {failure_reason(trial)}: {first}"
    return text if len(text) <= 200 else text[:197] + "..."


def final_report(
    progress: Progress, config: Any, failures: Sequence[FailureGroup], hints: Sequence[str]
) -> str:
    """Return the page that a search ends with.

    Parameters
    ----------
    progress : Progress
        At the end.
    config : any
        What the objective received in the best trial; ignored when there is none.
    failures : sequence of FailureGroup
        Why trials failed.
    hints : sequence of str
        What can be done next, one line each.
    """
    experiment = progress.experiment
    why = f" ({experiment.ended_why})" if experiment.ended_why else ""
    lines = [f"{experiment.exp_key}: {experiment.state}{why}; {counts_text(progress)}"]
    best = progress.best
    if best is not None and best.loss is not None:
        lines += ["", f"best loss  {number(best.loss)}  (trial {best.tid})", "params"]
        width = max((len(label) for label in best.params), default=0)
        lines += [f"  {label:<{width}}  {value_text(value)}" for label, value in best.params.items()]
        lines += [
            "config",
            *(f"  {line}" for line in pformat(config, width=96, sort_dicts=False).split("\n")),
        ]
    else:
        lines += ["", "No trial has a loss."]
    if failures:
        lines += ["", "failed"]
        lines += [f"  {group.n} x {failure_line(group.example)}" for group in failures]
    return "\n".join([*lines, "", *hints])
