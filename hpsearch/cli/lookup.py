"""Finds an experiment by the name that a user typed, and asks how far it has come."""

from __future__ import annotations

import difflib
from contextlib import suppress

import click

from hpsearch.coordination.progress import Progress
from hpsearch.errors import NotFoundError
from hpsearch.experiment import Experiment
from hpsearch.report.summary import progress_of
from hpsearch.store.protocol import TrialStore

#: Trials by which the present rate is told.
_RECENT = 50


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
    known = {e.exp_key: e for e in store.experiments()}
    if exp_key is None:
        if len(known) == 1:
            return next(iter(known.values()))
        if not known:
            raise NotFoundError("There is no experiment in this database yet.")
        raise click.UsageError(f"Name one of the experiments: {', '.join(known)}.")
    close = difflib.get_close_matches(exp_key, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(known) or 'none'}."
    raise NotFoundError(f"There is no experiment {exp_key!r} in this database.{hint}")


def read_progress(store: TrialStore, experiment: Experiment) -> Progress:
    """Ask a store how far an experiment has come."""
    exp_key = experiment.exp_key
    return progress_of(
        experiment,
        store.counts(exp_key),
        next(store.trials(exp_key, sort="loss", limit=1), None),
        store.workers(),
        store.trials(exp_key, sort="newest", limit=_RECENT),
        store.now(),
    )
