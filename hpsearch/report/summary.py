"""The progress of a search, from what the store knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hpsearch.coordination.progress import Progress
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Experiment
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker, is_alive
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialSummary


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


def read_history(space: Space, points: Iterable[Trial]) -> History:
    """Return the finished trials of a search in order of completion, without those outside its space.

    Parameters
    ----------
    space : Space
        The space of the search.
    points : iterable of Trial
        All trials by number.
    """
    return TrialState(space, points).history


def _elapsed_s(experiment: Experiment, summary: TrialSummary, now: datetime) -> float:
    last = summary.recent_until or experiment.started_at or now
    return experiment.elapsed_s(last if experiment.state.is_over else now)


def _rate_per_minute(summary: TrialSummary, now: datetime) -> float | None:
    if summary.recent_since is None:
        return None
    seconds = (now - summary.recent_since).total_seconds()
    return 60 * summary.n_recent / seconds if seconds > 0 else None
