"""Reads the progress of searches from a store."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.core.standing import Standing, standing_of
from hpsearch.core.trial import FINISHED, Trial
from hpsearch.report.summary import losses_in_order, progress_of
from hpsearch.store.protocol import TrialStore

#: Finished trials beyond which a status reads no losses: it must answer at once.
_MAX_FORECAST = 20_000


def read_progress(
    store: TrialStore, experiments: Sequence[Experiment], *, with_forecast: bool = False
) -> list[Progress]:
    """Read the progress of experiments, with as many queries for all of them as for one.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiments : sequence of Experiment
        The experiments.
    with_forecast : bool
        Also read the losses of each search that is not very long, and forecast from them.
    """
    summaries = store.summaries(experiment.exp_key for experiment in experiments)
    workers, now = store.workers(), store.now()
    found = []
    for experiment in experiments:
        summary = summaries[experiment.exp_key]
        n_finished = sum(summary.counts[state] for state in FINISHED)
        losses = None
        if with_forecast and n_finished <= _MAX_FORECAST:
            losses = losses_in_order(store.points(experiment.exp_key))
        found.append(progress_of(experiment, summary, workers, now, losses, read_standing(store, experiment)))
    return found


def full_trials(store: TrialStore, trials: Sequence[Trial]) -> list[Trial]:
    """Return final trials of one search in full, in the same order.

    Parameters
    ----------
    store : TrialStore
        The store.
    trials : sequence of Trial
        The trials, perhaps with only some fields.
    """
    found = store.finished(trials[0].exp_key, [trial.tid for trial in trials]) if trials else []
    by_tid = {trial.tid: trial for trial in found}
    return [by_tid.get(trial.tid, trial) for trial in trials]


def read_standing(store: TrialStore, experiment: Experiment) -> Standing | None:
    """Return where a search with several objectives or limits stands; None of any other.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search.
    """
    if experiment.outcomes is None:
        return None
    return standing_of(store.points(experiment.exp_key), experiment.outcomes)
