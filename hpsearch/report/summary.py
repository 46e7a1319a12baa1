"""What a search has come to, as numbers: pure functions of trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hpsearch.coordination.progress import Progress
from hpsearch.experiment import Experiment
from hpsearch.fleet import Worker, is_alive
from hpsearch.trial import FINISHED, State, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed trials that failed alike."""

    reason: str  #: the type of the exception, or the kind of the failure
    n: int  #: how many
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
    """Return the shortest useful word for why a trial failed."""
    if trial.error is None:
        return "unknown"
    return trial.error.type or trial.error.signal or str(trial.error.kind)


def progress_of(
    experiment: Experiment,
    counts: Mapping[State, int],
    best: Trial | None,
    workers: Iterable[Worker],
    recent: Iterable[Trial],
    now: datetime,
) -> Progress:
    """Put together how far a search has come, from what a store says.

    Parameters
    ----------
    experiment : Experiment
        The search.
    counts : mapping
        Trials in each state.
    best : Trial, optional
        The trial with the lowest loss.
    workers : iterable of Worker
        All that the registry knows.
    recent : iterable of Trial
        The trials suggested last; the rate is that of the finished ones among them.
    now : datetime
        Store time. A search that has ended has no rate, and its time stopped with its last trial.
    """
    finished = [t for t in recent if t.state in FINISHED]
    failed = [t for t in finished if t.state is State.FAILED]
    serving = (w for w in workers if is_alive(w, now) and w.serves(experiment.exp_key))
    return Progress(
        experiment=experiment,
        counts=counts,
        best=best,
        workers=tuple(serving),
        last_failure=max(failed, key=lambda t: t.tid, default=None),
        per_minute=None if experiment.state.is_over else _rate_per_minute(finished, now),
        elapsed_s=_elapsed_s(experiment, finished, now),
    )


def _elapsed_s(experiment: Experiment, finished: list[Trial], now: datetime) -> float:
    times = [t.finished_at for t in finished if t.finished_at is not None]
    return experiment.elapsed_s(
        max(times, default=experiment.started_at or now) if experiment.state.is_over else now
    )


def _rate_per_minute(finished: list[Trial], now: datetime) -> float | None:
    times = [t.finished_at for t in finished if t.finished_at is not None]
    if not times:
        return None
    seconds = (now - min(times)).total_seconds()
    return 60 * len(times) / seconds if seconds > 0 else None
