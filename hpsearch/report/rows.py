"""Searches, trials and workers as rows of a table, and one trial as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import Trial
from hpsearch.report.failures import failure_reason
from hpsearch.report.table import date_text
from hpsearch.report.text import duration_text, number, params_lines, params_text, value_text
from hpsearch.runtime.escaping import escaped, printable
from hpsearch.runtime.strict_json import json_text

STATUS_COLUMNS = (
    "exp_key", "state", "done", "failed", "running", "pending", "max_evals",
    "best_loss", "per_minute", "left", "workers", "priority",
)  # fmt: skip
BEST_COLUMNS = ("tid", "loss", "params", "duration_s", "worker", "finished_at")
TRIAL_COLUMNS = ("tid", "state", "loss", "params", "origin", "attempt", "worker", "duration_s", "error")
WORKER_COLUMNS = (
    "name", "host", "pid", "state", "slots", "exp_keys", "n_done", "n_failed", "started_at", "seen_at",
)  # fmt: skip

_LABEL_WIDTH = 14

#: Lines of a status table up to which searches that have ended are listed.
_MAX_LINES = 10

#: Fields of a trial that its text leaves out; the raw values repeat the params.
_INTERNAL = frozenset(
    {"values", "owner", "priority", "lease_s", "lease_until", "heartbeat_at", "exp_created_at"}
)


def listed_searches(experiments: Iterable[Experiment], *, with_all: bool) -> tuple[list[Experiment], int]:
    """Return the searches that a status table lists, and the number of those that it leaves out.

    Searches that have not ended come first, then those that have ended; in both groups, the last started
    comes first.

    Parameters
    ----------
    experiments : iterable of Experiment
        All searches, in any order.
    with_all : bool
        List all searches that have ended, not only enough to fill ten lines.
    """
    ordered = sorted(experiments, key=_started_at, reverse=True)
    active = [e for e in ordered if not e.state.is_over]
    ended = [e for e in ordered if e.state.is_over]
    shown = ended if with_all else ended[: max(0, _MAX_LINES - len(active))]
    return active + shown, len(ended) - len(shown)


def _started_at(experiment: Experiment) -> datetime:
    return experiment.started_at or experiment.created_at or datetime.min.replace(tzinfo=UTC)


def status_row(progress: Progress, now: datetime) -> dict[str, Any]:
    """Return the row of a search; programs rely on the keys.

    Parameters
    ----------
    progress : Progress
        Its progress.
    now : datetime
        Time of the store, to which the lease of the coordinator is compared.
    """
    experiment, best = progress.experiment, progress.best
    is_led = experiment.is_led(now)
    is_advancing = is_led and experiment.state is ExperimentState.RUNNING
    return {
        "exp_key": experiment.exp_key,
        "state": experiment.state,
        "priority": experiment.priority,
        "is_led": is_led,
        **{str(state): n for state, n in progress.counts.items()},
        "max_evals": experiment.budget.max_evals,
        "best_loss": best.loss if best else None,
        "best_tid": best.tid if best else None,
        "best_params": best.params if best else None,
        "per_minute": progress.per_minute,
        "remaining_s": progress.remaining_s if is_advancing else None,
        "elapsed_s": progress.elapsed_s,
        "workers": len(progress.workers),
        "ended_why": experiment.ended_why,
        "algorithm": experiment.algorithm.name,
        "seed": experiment.seed,
        "objective": experiment.objective.ref,
    }


def status_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``status_row`` with text for people."""
    lacks_coordinator = row["state"] is ExperimentState.RUNNING and not row["is_led"]
    rate, left = row["per_minute"], row["remaining_s"]
    return {
        **row,
        "state": "running, no coordinator" if lacks_coordinator else str(row["state"]),
        "per_minute": None if rate is None else f"{rate:.3g}",
        "left": None if left is None else duration_text(left),
    }


def trial_cells(trial: Trial) -> dict[str, Any]:
    """Return the fields of a trial, with a word each for its worker and its error."""
    return {
        **asdict(trial),
        "worker": trial.worker.name if trial.worker else None,
        "error": failure_reason(trial) if trial.error else None,
    }


def best_text(trial: Trial) -> str:
    """Return a trial with its loss and its parameters, one parameter a line."""
    return "\n".join([f"trial {trial.tid}  loss {value_text(trial.loss)}", *params_lines(trial.params)])


def trial_text(trial: Trial, attachments: Sequence[str] = ()) -> str:
    """Return everything about a trial, one field a line, long texts last.

    Parameters
    ----------
    trial : Trial
        The trial.
    attachments : sequence of str
        Names of its attachments.
    """
    return printable("\n".join([*_facts(trial, attachments), *_error_facts(trial)]))


def _facts(trial: Trial, attachments: Sequence[str]) -> Iterator[str]:
    for name, value in {**trial_cells(trial), "attachments": tuple(attachments)}.items():
        if value is None or value == () or value == {} or name in _INTERNAL or name == "error":
            continue
        match name, value:
            case "params", _:
                text = params_text(value)
            case "attachments", _:
                text = ", ".join(attachments)
            case "reports", _:
                text = ", ".join(f"{number(r.step)}: {number(r.value)}" for r in trial.reports)
            case _, datetime():
                text = date_text(value)
            case _, dict() | list() | tuple():
                text = json_text(value)
            case _:
                text = value_text(value)
        yield f"{name:<{_LABEL_WIDTH}}{escaped(text)}"


def _error_facts(trial: Trial) -> Iterator[str]:
    if trial.error is None:
        return
    found = [(name, str(value)) for name, value in asdict(trial.error).items() if value is not None]
    yield "error"
    for name, text in sorted(found, key=lambda fact: "\n" in fact[1].strip()):
        is_long = "\n" in text.strip()
        yield f"  {name}" if is_long else f"  {name:<{_LABEL_WIDTH - 2}}{text.strip()}"
        if is_long:
            yield text.rstrip("\n")
