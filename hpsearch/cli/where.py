"""The option ``--where``: only trials for which a condition is true."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpsearch.cli.options import option

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.trial import State, Trial
    from hpsearch.core.trial_filter import TrialFilter
    from hpsearch.store.protocol import TrialStore

F = TypeVar("F", bound=Callable[..., Any])


def where_option(command: F) -> F:
    """Add the option ``--where``; the command gets its text."""
    return option(
        "--where",
        metavar="CONDITION",
        help="Only trials for which this is true: \"lr < 1e-3 and optimizer == 'adam'\", with the names "
        "of fields, parameters and metrics.",
    )(command)


def selected_trials(
    store: TrialStore,
    experiment: Experiment,
    where: str | None,
    *,
    states: Iterable[State] | None = None,
    sort: str = "tid",
    limit: int | None = None,
) -> list[Trial]:
    """Return the trials of an experiment for which a condition is true.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The experiment.
    where : str, optional
        The condition, as typed.
    states, sort, limit
        As for ``TrialStore.trials``.

    Raises
    ------
    UsageError
        If the condition cannot be read, or has a name that nothing has.
    """
    key = experiment.exp_key
    wanted = None if where is None else _filter(where, experiment)
    found = list(store.trials(key, states=states, sort=sort, limit=limit, where=wanted))
    if wanted is not None:
        _check_names(wanted, found, store, key)
    return found


def _filter(text: str, experiment: Experiment) -> TrialFilter:
    from hpsearch.cli.find import labels_of
    from hpsearch.core.trial_filter import filter_of
    from hpsearch.errors import PredicateError

    try:
        several = experiment.outcomes if experiment.has_several_objectives else None
        return filter_of(text, labels_of(experiment), () if several is None else several.names)
    except PredicateError as error:
        raise click.UsageError(str(error)) from error


def _check_names(wanted: TrialFilter, found: Iterable[Trial], store: TrialStore, exp_key: str) -> None:
    """Raise if a name of the condition is none of a field, a parameter, or a metric of any trial."""
    from hpsearch.cli.similar_names import did_you_mean
    from hpsearch.core.trial import FINISHED
    from hpsearch.core.trial_fields import FIELDS, metrics_of

    if not wanted.unknown_names(found):
        return
    finished = list(store.trials(exp_key, states=FINISHED))
    unknown = sorted(wanted.unknown_names(finished))
    if not finished or not unknown:  # before the first result, any name may be that of a metric
        return
    known = [
        *FIELDS,
        *sorted(wanted.labels),
        *dict.fromkeys(n for trial in finished for n in metrics_of(trial)),
    ]
    hint = did_you_mean(unknown[0], known) or f" There are: {', '.join(known)}."
    raise click.UsageError(f"No trial of {exp_key} has {unknown[0]!r}.{hint}")
