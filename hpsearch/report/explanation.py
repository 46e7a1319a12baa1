"""Reads what is known about a search, and computes what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.core.history import History
from hpsearch.core.trial import FINISHED, Trial
from hpsearch.report.explain_text import Explanation
from hpsearch.report.numbers.best_values import option_results
from hpsearch.report.numbers.ceiling import ceiling
from hpsearch.report.numbers.early_ranks import EarlyRanks
from hpsearch.report.numbers.importance import Importance, failure_importance, importance, loss_surrogate
from hpsearch.report.numbers.seeds import report_rng
from hpsearch.report.numbers.statistics import statistics
from hpsearch.report.numbers.surrogate import Surrogate
from hpsearch.report.progress_reading import read_progress
from hpsearch.report.read_search import objective_importances
from hpsearch.report.summary import read_history
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore


def read_explanation(store: TrialStore, experiment: Experiment) -> Explanation:
    """Read everything about a search that can be explained.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search, with its space.
    """
    [progress] = read_progress(store, [experiment], with_forecast=True)
    points = store.points(experiment.exp_key)
    history = read_history(Space.from_json(experiment.space), points, experiment.outcomes)
    return explanation_of(progress, history, store.trials(experiment.exp_key, states=FINISHED))


def explanation_of(
    progress: Progress, history: History, trials: Iterable[Trial], *, surrogate: Surrogate | None = None
) -> Explanation:
    """Return what can be explained of a search; takes seconds where a model of many trials is needed.

    Parameters
    ----------
    progress : Progress
        Its progress.
    history : History
        Its valid finished trials.
    trials : iterable of Trial
        The same, complete; read once.
    surrogate : Surrogate, optional
        What ``loss_surrogate`` returned, to save its time.
    """
    seed = progress.experiment.seed
    importances: tuple[Importance, ...] = ()
    if progress.experiment.has_several_objectives:
        importances = objective_importances(history, seed)
        # What tells failed trials from others is the same for each objective.
        history = history.condensed(np.arange(len(history)), history.objectives[:, 0])
    surrogate = loss_surrogate(history) if surrogate is None else surrogate
    ranks = EarlyRanks()
    return Explanation(
        progress=progress,
        importance=importance(history, report_rng(seed, "importance"), surrogate=surrogate),
        importances=importances,
        failure_importance=failure_importance(history, report_rng(seed, "importance")),
        options=() if importances else option_results(_feasible(history)),
        statistics=statistics(_added(trials, ranks)),
        early_ranks=ranks.correlations(),
        # What a limit leaves to gain is not known.
        ceiling=None
        if history.outcomes is not None
        else ceiling(history, surrogate, report_rng(seed, "ceiling")),
    )


def _feasible(history: History) -> History:
    """Return the trials that exceed no limit."""
    if history.outcomes is None:
        return history
    rows = np.flatnonzero(history.within_limits)
    return history.condensed(rows, history.losses[rows])


def _added(trials: Iterable[Trial], ranks: EarlyRanks) -> Iterator[Trial]:
    """Yield trials, and add each to the early ranks."""
    for trial in trials:
        ranks.add(trial)
        yield trial
