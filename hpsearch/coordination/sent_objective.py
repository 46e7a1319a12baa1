"""Opening an experiment whose objective is sent by value."""

from __future__ import annotations

from collections.abc import Callable

from hpsearch.core.experiment import UNDECIDED, Experiment, ObjectiveRef
from hpsearch.errors import NotFoundError
from hpsearch.objective.by_value.envelope import ATTACHMENT
from hpsearch.store.protocol import TrialStore


def open_with_payload(
    store: TrialStore,
    wanted: Experiment,
    payload: Callable[[ObjectiveRef], bytes | None],
    *,
    accepts_change: bool = False,
) -> Experiment:
    """Create or join an experiment; its objective is stored before any worker can see the experiment.

    Parameters
    ----------
    store : TrialStore
        The store.
    wanted : Experiment
        The experiment.
    payload : callable
        Returns the signed objective for its reference, whose nonce is signed too; None for one that workers
        import.
    accepts_change : bool
        As for ``TrialStore.open_experiment``.

    Raises
    ------
    ExperimentMismatchError
        If it exists with another objective or space.
    """
    exp_key = wanted.exp_key
    content = payload(wanted.objective)
    if content is not None and not _has_objective(store, exp_key):
        store.attach(exp_key, ATTACHMENT, content)
    experiment = store.open_experiment(wanted, accepts_change=accepts_change)
    if experiment.objective.nonce != wanted.objective.nonce:
        content = payload(experiment.objective)
    if content is not None:
        # Repeated, because another process may have overwritten it before its own experiment was refused.
        store.attach(exp_key, ATTACHMENT, content)
    return experiment


def _has_objective(store: TrialStore, exp_key: str) -> bool:
    try:
        return store.experiment(exp_key).objective != UNDECIDED
    except NotFoundError:
        return False
