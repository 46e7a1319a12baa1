"""Finds an experiment by the name that a user typed, and its trials."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import click

from hpsearch.cli.similar_names import did_you_mean
from hpsearch.errors import NotFoundError, SpaceError

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.trial import Trial
    from hpsearch.store.protocol import TrialStore

#: Largest number of names in a message.
_MAX_NAMES = 10


def find_experiment(store: TrialStore, exp_key: str | None) -> Experiment:
    """Return an experiment by name; without a name, the only one.

    Parameters
    ----------
    store : TrialStore
        The store.
    exp_key : str, optional
        The name.

    Raises
    ------
    NotFoundError
        If there is none of that name; suggests a similar one.
    UsageError
        If there are several, and no name is given.
    UnreadableError
        If its document is invalid.
    """
    if exp_key is not None:
        with suppress(NotFoundError):
            return store.experiment(exp_key)
    known = [experiment.exp_key for experiment in store.experiments(omit_space=True)]
    if exp_key is None:
        if len(known) == 1:
            return store.experiment(known[0])
        if not known:
            raise NotFoundError("There is no experiment in this database yet.")
        raise click.UsageError(f"Name one of the experiments: {_names(known)}.")
    hint = did_you_mean(exp_key, known) or f" There are: {_names(known)}."
    raise NotFoundError(f"There is no experiment {exp_key!r} in this database.{hint}")


def find_trial(store: TrialStore, exp_key: str, tid: int | Literal["best"]) -> Trial:
    """Return a trial by number, or the best one.

    Parameters
    ----------
    store : TrialStore
        The store.
    exp_key : str
        Name of the experiment.
    tid : int or "best"
        Its number, or the trial with the lowest loss; of several objectives, the knee of the front.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    if tid != "best":
        return store.trial(exp_key, tid)
    from hpsearch.core.standing import standing_of

    outcomes = store.experiment(exp_key).outcomes
    if outcomes is not None and outcomes.has_several_objectives:
        front = standing_of(store.points(exp_key), outcomes).front
        if front is not None and front.knee is not None:
            return store.trial(exp_key, front.knee.tid)
        raise NotFoundError(f"No trial of {exp_key} is on the front yet.")
    best = next(iter(store.trials(exp_key, sort="loss", limit=1)), None)
    if best is None:
        raise NotFoundError(f"No trial of {exp_key} has a loss yet.")
    return best


def labels_of(experiment: Experiment) -> tuple[str, ...]:
    """Return the labels of an experiment's parameters in reading order; none if its space is damaged."""
    from hpsearch.space.tree import Space

    try:
        return Space.from_json(experiment.space).labels
    except SpaceError:
        return ()


def _names(exp_keys: Collection[str]) -> str:
    """Return names for a message: the last ten, and the number of the others."""
    if len(exp_keys) <= _MAX_NAMES:
        return ", ".join(exp_keys) or "none"
    n_older = len(exp_keys) - _MAX_NAMES
    return f"{', '.join(list(exp_keys)[-_MAX_NAMES:])} and {n_older} older one{'s' * (n_older > 1)}"
