"""Finds an experiment by the name that a user typed, and asks how far it has come."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from contextlib import suppress

import click

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.errors import NotFoundError
from hpsearch.report.summary import progress_of
from hpsearch.store.protocol import TrialStore

#: Names of experiments that a message lists.
_MOST_NAMES = 10


def find_experiment(store: TrialStore, exp_key: str | None) -> Experiment:
    """Return an experiment by name; without a name, the only one there is.

    Raises
    ------
    NotFoundError
        If there is none of that name; says which it may have been.
    UsageError
        If there are several and none is named.
    UnreadableError
        If somebody altered its document.
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
        raise click.UsageError(f"Name one of the experiments: {_some(known)}.")
    close = difflib.get_close_matches(exp_key, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else f" There are: {_some(known)}."
    raise NotFoundError(f"There is no experiment {exp_key!r} in this database.{hint}")


def read_progress(store: TrialStore, experiments: Sequence[Experiment]) -> list[Progress]:
    """Ask a store how far experiments have come, with as many questions for all of them as for one."""
    summaries = store.summaries(experiment.exp_key for experiment in experiments)
    workers, now = store.workers(), store.now()
    return [progress_of(e, summaries[e.exp_key], workers, now) for e in experiments]


def _some(exp_keys: Collection[str]) -> str:
    """Return names for a message: of many only the last ones."""
    if len(exp_keys) <= _MOST_NAMES:
        return ", ".join(exp_keys) or "none"
    return f"{', '.join(list(exp_keys)[-_MOST_NAMES:])} and {len(exp_keys) - _MOST_NAMES} older ones"
