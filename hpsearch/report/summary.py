"""The progress of a search, from what the store knows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from hpsearch.coordination.forecast import forecast
from hpsearch.coordination.progress import Progress
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Experiment
from hpsearch.core.history import Floats, History
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.standing import Standing
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.core.worker import Worker, is_alive
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialSummary


def progress_of(
    experiment: Experiment,
    summary: TrialSummary,
    workers: Iterable[Worker],
    now: datetime,
    losses: Floats | None = None,
    standing: Standing | None = None,
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
    losses : (n,) array, optional
        Losses of the finished trials in order of completion, for the forecast.
    standing : Standing, optional
        Its front, and the trial that comes closest to its limits.
    """
    serving = (w for w in workers if is_alive(w, now) and w.serves(experiment.exp_key))
    return Progress(
        experiment=experiment,
        counts=summary.counts,
        n_invalid=summary.n_invalid,
        best=summary.best,
        front=None if standing is None else standing.front,
        least_violated=None if standing is None else standing.least_violated,
        workers=tuple(serving),
        per_minute=None if experiment.state.is_over else _rate_per_minute(summary, now),
        forecast=None if losses is None else forecast(losses),
        elapsed_s=_elapsed_s(experiment, summary, now),
    )


def losses_in_order(points: Iterable[Trial]) -> Floats:
    """Return the losses of the valid finished trials in order of completion; NaN if failed or infeasible.

    Parameters
    ----------
    points : iterable of Trial
        All trials of a search.
    """
    finished = [
        (trial.finished_at.timestamp() if trial.finished_at else math.inf, trial.tid, trial.ranked_loss)
        for trial in points
        if trial.state in FINISHED and trial.invalid is None
    ]
    return np.array([math.nan if loss is None else loss for _, _, loss in sorted(finished)], dtype=np.float64)


def read_history(space: Space, points: Iterable[Trial], outcomes: Outcomes | None = None) -> History:
    """Return the finished trials of a search in order of completion: those in its space that were not pruned.

    Parameters
    ----------
    space : Space
        The space of the search.
    points : iterable of Trial
        All trials by number.
    outcomes : Outcomes, optional
        Those of the search.
    """
    finished = (point for point in points if point.state is not State.PRUNED)
    return TrialState(space, finished, outcomes=outcomes).history


def _elapsed_s(experiment: Experiment, summary: TrialSummary, now: datetime) -> float:
    last = summary.recent_until or experiment.started_at or now
    return experiment.elapsed_s(last if experiment.state.is_over else now)


def _rate_per_minute(summary: TrialSummary, now: datetime) -> float | None:
    if summary.recent_since is None:
        return None
    seconds = (now - summary.recent_since).total_seconds()
    return 60 * summary.n_recent / seconds if seconds > 0 else None
