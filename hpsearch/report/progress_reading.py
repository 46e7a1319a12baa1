"""Reads the progress of searches from a store."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import FINISHED
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
        found.append(progress_of(experiment, summary, workers, now, losses))
    return found
