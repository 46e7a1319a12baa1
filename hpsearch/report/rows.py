"""Searches and workers as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.goal import LOSS
from hpsearch.core.trial import FINISHED, Trial
from hpsearch.core.worker import Worker, WorkerState, is_alive
from hpsearch.report.text import count_text, duration_text, number

#: The columns of CSV, and those of a table, which fit into 80 characters.
STATUS_COLUMNS = (
    "exp_key", "state", "is_led", "done", "failed", "pruned", "running", "pending", "max_evals",
    "best_loss", "best_value", "metric", "per_minute", "remaining_s", "workers", "priority",
)  # fmt: skip
STATUS_TABLE_COLUMNS = ("exp_key", "state", "finished", "failed", "best", "left", "workers")

#: The same of workers.
WORKER_COLUMNS = (
    "name", "is_alive", "state", "evaluates", "exp_keys", "n_done", "n_failed",
    "host", "pid", "slots", "started_at", "seen_at",
)  # fmt: skip
WORKER_TABLE_COLUMNS = ("name", "state", "n_done", "n_failed", "seen", "serves", "evaluates")

#: Searches that a status table lists where all have ended.
_MAX_ENDED = 10

#: The order of workers in a list.
_RANKS = {WorkerState.BUSY: 0, WorkerState.IDLE: 1, WorkerState.DRAINING: 2, WorkerState.STOPPED: 3}


def listed_searches(experiments: Iterable[Experiment], *, with_all: bool) -> tuple[list[Experiment], int]:
    """Return the searches that a status table lists, and the number of those that it leaves out.

    Running searches come first, then paused ones, then those that have ended; in each group, the last started
    comes first. Ended ones are left out, unless all have ended: then the last ten are listed.

    Parameters
    ----------
    experiments : iterable of Experiment
        All searches, in any order.
    with_all : bool
        List all searches that have ended, too.
    """
    newest = sorted(experiments, key=_started_at, reverse=True)
    ordered = sorted(newest, key=lambda e: (e.state.is_over, e.state is not ExperimentState.RUNNING))
    active = [e for e in ordered if not e.state.is_over]
    ended = [e for e in newest if e.state.is_over]
    shown = ended if with_all else [] if active else ended[:_MAX_ENDED]
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
        "invalid": progress.n_invalid,
        "max_evals": experiment.budget.max_evals,
        "best_loss": best.loss if best else None,
        "best_value": None if best is None or best.loss is None else experiment.goal.value(best.loss),
        "metric": experiment.goal.name,
        "maximize": experiment.goal.maximize,
        "best_tid": best.tid if best else None,
        "best_params": best.params if best else None,
        **_outcome_cells(progress),
        "per_minute": progress.per_minute,
        "remaining_s": progress.remaining_s if is_advancing else None,
        "forecast": None if progress.forecast is None else asdict(progress.forecast),
        "elapsed_s": progress.elapsed_s,
        "workers": len(progress.workers),
        "ended_why": experiment.ended_why,
        "algorithm": experiment.algorithm.name,
        "seed": experiment.seed,
        "objective": experiment.objective.ref,
        "tags": experiment.tags,
        "note": experiment.note,
    }


def _outcome_cells(progress: Progress) -> dict[str, Any]:
    """Return what JSON has of the objectives and limits of a search that declares them."""
    outcomes, front = progress.experiment.outcomes, progress.front
    if outcomes is None:
        return {}
    return {
        "outcomes": {
            "objectives": list(map(str, outcomes.objectives)),
            "limits": list(map(str, outcomes.limits)),
        },
        "front": None if front is None else [{"tid": t.tid, "losses": t.losses} for t in front.trials],
        "least_violated": progress.least_violated and progress.least_violated.tid,
    }


def status_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``status_row`` with text for people."""
    left, most = row["remaining_s"], row["max_evals"]
    finished = str(sum(row[state] for state in FINISHED))
    value, metric = row["best_value"], row["metric"]
    is_named = value is not None and metric != LOSS.name
    front = row.get("front")
    on_front = None if front is None else f"{count_text(len(front), 'trial')} on the front"
    return {
        **row,
        "best": on_front or (f"{metric} {number(value)}" if is_named else value),
        "state": "no coordinator" if lacks_coordinator(row) else str(row["state"]),
        "finished": finished if most is None else f"{finished}/{most}",
        "left": None if left is None else duration_text(left),
    }


def lacks_coordinator(row: Mapping[str, Any]) -> bool:
    """Whether a search is running, but no coordinator leads it."""
    return row["state"] is ExperimentState.RUNNING and not row["is_led"]


def worker_rows(workers: Iterable[Worker], running: Iterable[Trial], now: datetime) -> list[dict[str, Any]]:
    """Return the rows of workers: live ones first, those that evaluate before those that wait.

    Parameters
    ----------
    workers : iterable of Worker
        The registry.
    running : iterable of Trial
        All running trials.
    now : datetime
        Time of the store.
    """
    held: dict[str, list[Trial]] = {}
    for trial in running:
        if trial.worker is not None:
            held.setdefault(trial.worker.name, []).append(trial)
    ordered = sorted(workers, key=lambda w: (not is_alive(w, now), _RANKS[w.state], w.name))
    return [
        {
            **asdict(worker),
            "is_alive": is_alive(worker, now),
            "seen_s": None if worker.seen_at is None else (now - worker.seen_at).total_seconds(),
            "evaluates": [f"{t.exp_key}/{t.tid}" for t in held.get(worker.name, ())],
            "evaluates_s": [
                None if t.claimed_at is None else (now - t.claimed_at).total_seconds()
                for t in held.get(worker.name, ())
            ],
        }
        for worker in ordered
    ]


def worker_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of ``worker_rows`` with text for people."""
    pairs: Sequence[tuple[str, float | None]] = list(zip(row["evaluates"], row["evaluates_s"], strict=True))
    seen = row["seen_s"]
    return {
        **row,
        "serves": ", ".join(row["exp_keys"]) or "all",
        "seen": None if seen is None else f"{duration_text(max(0.0, seen))} ago",
        "evaluates": [name if s is None else f"{name} for {duration_text(max(0.0, s))}" for name, s in pairs],
    }
