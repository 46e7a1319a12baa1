"""The progress of a search, and its failures by reason, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker, is_alive
from hpsearch.store.protocol import TrialSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Trials that failed for the same reason."""

    reason: str  #: the type of the exception, or the kind of the failure
    n: int  #: number of trials
    example: Trial  #: the first of them


def failure_groups(failed: Iterable[Trial]) -> list[FailureGroup]:
    """Group failed trials by reason, the most frequent first."""
    counts: Counter[str] = Counter()
    examples: dict[str, Trial] = {}
    for trial in failed:
        reason = failure_reason(trial)
        counts[reason] += 1
        examples.setdefault(reason, trial)
    return [FailureGroup(reason=r, n=n, example=examples[r]) for r, n in counts.most_common()]


def failure_reason(trial: Trial) -> str:
    """Return why a trial failed, in one word."""
    if trial.error is None:
        return "unknown"
    return trial.error.type or trial.error.signal or str(trial.error.kind)


def progress_of(
    experiment: Experiment, summary: TrialSummary, workers: Iterable[Worker], now: datetime
) -> Progress:
    """Return the progress of a search from what the store knows.

    Parameters
    ----------
    experiment : Experiment
        The search.
    summary : TrialSummary
        Its trials; the rate is that of the recent ones.
    workers : iterable of Worker
        All registered workers.
    now : datetime
        Time of the store. A search that has ended has no rate, and its time ends with its last trial.
    """
    serving = (w for w in workers if is_alive(w, now) and w.serves(experiment.exp_key))
    return Progress(
        experiment=experiment,
        counts=summary.counts,
        best=summary.best,
        workers=tuple(serving),
        per_minute=None if experiment.state.is_over else _rate_per_minute(summary, now),
        elapsed_s=_elapsed_s(experiment, summary, now),
    )


def _elapsed_s(experiment: Experiment, summary: TrialSummary, now: datetime) -> float:
    last = summary.recent_until or experiment.started_at or now
    return experiment.elapsed_s(last if experiment.state.is_over else now)


def _rate_per_minute(summary: TrialSummary, now: datetime) -> float | None:
    if summary.recent_since is None:
        return None
    seconds = (now - summary.recent_since).total_seconds()
    return 60 * summary.n_recent / seconds if seconds > 0 else None
