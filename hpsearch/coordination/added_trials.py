"""Trials that a user adds to a search, beside those that its algorithm suggests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from hpsearch.core.experiment import SCRIPTED, Experiment
from hpsearch.core.trial import Result, State, Trial
from hpsearch.errors import ConfigurationError, TrialExistsError
from hpsearch.space.tree import Space, Values
from hpsearch.store.protocol import TrialStore

#: Added trials are claimed before suggested ones, which have the priority 0.
_PRIORITY = 1

#: Origins of added trials: to evaluate, to evaluate again, and evaluated elsewhere.
ENQUEUED, RETRIED, ADDED = "enqueued", "retry", "added"


def add_trials(
    store: TrialStore, experiment: Experiment, space: Space, points: Sequence[Values], origin: str
) -> list[Trial]:
    """Add pending trials with the next numbers, and let the coordinator read them.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search.
    space : Space
        Its space.
    points : sequence of Values
        The points of the trials.
    origin : str
        Where they come from.

    Raises
    ------
    ConfigurationError
        If only the script that began the search can suggest its trials.
    """
    return _add(store, experiment, [_trial(experiment, space, values, origin) for values in points])


def add_finished_trial(
    store: TrialStore, experiment: Experiment, space: Space, values: Values, result: Result
) -> Trial:
    """Add a trial that was evaluated elsewhere, and let the coordinator read it.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search.
    space : Space
        Its space.
    values : Values
        The point.
    result : Result
        Of its evaluation, which was successful.

    Raises
    ------
    ConfigurationError
        As for ``add_trials``.
    """
    pending = _trial(experiment, space, values, ADDED)
    done = replace(
        pending,
        state=State.DONE,
        loss=result.loss,
        losses=result.losses,
        violations=result.violations,
        result=result.result,
        priority=0,
    )
    [added] = _add(store, experiment, [done])
    return added


def _add(store: TrialStore, experiment: Experiment, trials: Sequence[Trial]) -> list[Trial]:
    if experiment.algorithm.name == SCRIPTED:
        raise ConfigurationError(
            f"The trials of {experiment.exp_key} are suggested by the script that began it; add them there."
        )
    added = [_inserted(store, trial) for trial in trials]
    if added:
        store.revise(experiment.exp_key)
    return added


def _trial(experiment: Experiment, space: Space, values: Values, origin: str) -> Trial:
    """Return a pending trial that has no number yet."""
    return Trial(
        exp_key=experiment.exp_key,
        exp_created_at=experiment.created_at,
        tid=-1,
        values=values,
        params=space.params(values),
        origin=origin,
        priority=_PRIORITY,
        max_attempts=experiment.defaults.max_attempts,
        lease_s=experiment.defaults.lease_s,
    )


def _inserted(store: TrialStore, trial: Trial) -> Trial:
    """Insert a trial under the next free number; a coordinator may take one at the same time."""
    while True:
        newest = next(iter(store.trials(trial.exp_key, sort="newest", limit=1)), None)
        numbered = replace(trial, tid=0 if newest is None else newest.tid + 1)
        with suppress(TrialExistsError):
            store.insert([numbered])
            return numbered
