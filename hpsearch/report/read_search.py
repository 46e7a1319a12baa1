"""Reads and computes what pictures of a search need, from a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain

import numpy as np

from hpsearch.core.experiment import Experiment
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.report.numbers.effects import marginal_effects, pair_effect
from hpsearch.report.numbers.importance import Importance, importance, loss_surrogate
from hpsearch.report.numbers.seeds import report_rng
from hpsearch.report.numbers.surrogate import Surrogate
from hpsearch.report.plotdata.contour import contour_labels
from hpsearch.report.plotdata.curves import MAX_CURVES
from hpsearch.report.plotdata.kinds import Need
from hpsearch.report.plotdata.search import SearchData, search_arrays
from hpsearch.report.plotdata.timeline import MAX_BARS
from hpsearch.report.summary import read_history
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: Trials among which those with reports are looked for.
_MAX_SEARCHED = 500
_MODELLED = frozenset({Need.IMPORTANCE, Need.EFFECTS, Need.SURFACE})


def read_search(
    store: TrialStore, experiment: Experiment, needs: Collection[Need] = (), labels: tuple[str, ...] = ()
) -> SearchData:
    """Return what pictures need of a search.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search.
    needs : collection of Need
        What the kinds of pictures need beside the points of the trials.
    labels : tuple of str
        Parameters that the reader chose.
    """
    key, space = experiment.exp_key, Space.from_json(experiment.space)
    points = list(store.points(key))
    data = SearchData(
        arrays=search_arrays(key, space, points, experiment.goal, experiment.outcomes),
        now=store.now().timestamp(),
        recent=recent_trials(store, key) if Need.RECENT in needs else (),
        reporting=reporting_trials(store, key) if Need.REPORTING in needs else (),
        labels=labels,
    )
    if not _MODELLED.intersection(needs):
        return data
    return with_model(data, read_history(space, points, experiment.outcomes), experiment.seed, needs)


def with_model(
    data: SearchData,
    history: History,
    seed: int,
    needs: Collection[Need],
    *,
    surrogate: Surrogate | None = None,
) -> SearchData:
    """Add importance, effects and the surface of a contour, which share one model of the losses.

    Parameters
    ----------
    data : SearchData
        A search.
    history : History
        Its finished trials.
    seed : int
        Seed of the experiment.
    needs : collection of Need
        What to add.
    surrogate : Surrogate, optional
        What ``loss_surrogate`` returned, to save its time.
    """
    if data.arrays.objectives.shape[1]:
        return replace(data, importances=objective_importances(history, seed))
    surrogate = loss_surrogate(history) if surrogate is None else surrogate
    found = replace(data, importance=importance(history, report_rng(seed, "importance"), surrogate=surrogate))
    if Need.EFFECTS in needs:
        found = replace(found, effects=marginal_effects(surrogate, report_rng(seed, "effects")))
    return with_surface(found, surrogate, seed) if Need.SURFACE in needs else found


def with_surface(data: SearchData, surrogate: Surrogate | None, seed: int) -> SearchData:
    """Add the surface of a contour: of the parameters that the reader chose, or the two that matter most.

    Parameters
    ----------
    data : SearchData
        A search with importance.
    surrogate : Surrogate, optional
        What ``loss_surrogate`` returned.
    seed : int
        Seed of the experiment.
    """
    labels = contour_labels(data) if data.arrays.has_loss.any() else None
    if labels is None:
        return data
    return replace(data, surface=pair_effect(surrogate, labels, report_rng(seed, "effects")))


def objective_importances(history: History, seed: int) -> tuple[Importance, ...]:
    """Return the importance of the parameters for each of several objectives.

    Parameters
    ----------
    history : History
        The finished trials.
    seed : int
        Seed of the experiment.
    """
    rows = np.arange(len(history))
    each = [history.condensed(rows, losses) for losses in history.objectives.T]
    return tuple(importance(one, report_rng(seed, "importance")) for one in each)


def recent_trials(store: TrialStore, key: str) -> tuple[Trial, ...]:
    """Return the trials of a timeline.

    Parameters
    ----------
    store : TrialStore
        The store.
    key : str
        Name of the search.
    """
    return tuple(store.trials(key, sort="newest", limit=MAX_BARS))


def reporting_trials(store: TrialStore, key: str) -> tuple[Trial, ...]:
    """Return trials with reports: the best ones, and the newest ones without a loss.

    Parameters
    ----------
    store : TrialStore
        The store.
    key : str
        Name of the search.
    """
    best = _with_reports(store.trials(key, sort="loss", limit=_MAX_SEARCHED))
    newest = store.trials(key, sort="newest", limit=_MAX_SEARCHED)
    others = _with_reports(trial for trial in newest if trial.state is not State.DONE)
    return tuple(chain(best[: MAX_CURVES // 2], others[: MAX_CURVES // 2]))


def _with_reports(trials: Iterable[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.reports]
