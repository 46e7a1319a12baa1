"""The experiment that a call to ``fmin`` means: described, and opened in the store."""

from __future__ import annotations

import logging
import shlex
import sys

from hpsearch.core.experiment import UNDECIDED, Budget, Defaults, Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.trial import State
from hpsearch.errors import ExperimentMismatchError, NotFoundError
from hpsearch.hyperopt.engine.iteration import FMinIter
from hpsearch.hyperopt.mongo.algorithm import algorithm_of
from hpsearch.hyperopt.mongo.exceptions import DomainSwapError
from hpsearch.hyperopt.mongo.objective import PreparedObjective, prepare_objective
from hpsearch.objective.by_value import ATTACHMENT, Destination
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

logger = logging.getLogger(__name__)

_MISMATCH_ADVICE = (
    "give MongoTrials another exp_key for a new search, or call delete_all() on it to forget this one; "
    "to go on with changed code of a function in a module, set accepts_changed_objective of MongoTrials."
)


def open_experiment(
    store: TrialStore,
    exp_key: str,
    rounds: FMinIter,
    defaults: Defaults,
    n_more: int | None,
    *,
    lag: int | None,
    accepts_change: bool,
) -> Experiment:
    """Create or join the experiment, its objective beside it before a worker can see it.

    Parameters
    ----------
    store : TrialStore
        Where it is to live.
    exp_key : str
        Its name.
    rounds : FMinIter
        What is searched, how, and for how long.
    defaults : Defaults
        What applies to each trial.
    n_more : int, optional
        New trials; by default as many as ``rounds.max_evals`` in all.
    lag : int, optional
        That of an experiment which is created.
    accepts_change : bool
        Whether to go on though the code of an importable objective was changed.

    Raises
    ------
    DomainSwapError
        If it exists with another objective or space.
    ConfigurationError, LoadError
        If the objective cannot be sent to workers.
    SpaceError
        If the space cannot.
    """
    space, objective = rounds.domain.space, prepare_objective(rounds.domain)
    payload = _payload(objective, store, exp_key, objective.ref)
    wanted = Experiment(
        exp_key=exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=objective.ref,
        algorithm=algorithm_of(rounds.algo),
        seed=rounds.seed,
        lag=lag,
        # The timeout is that of this call, so that this process minds it, and not the experiment.
        budget=Budget(max_evals=_limit(store, exp_key, rounds, n_more), loss_threshold=rounds.loss_threshold),
        defaults=defaults,
    )
    if payload is not None and not _has_objective(store, exp_key):
        store.attach(exp_key, ATTACHMENT, payload)
    try:
        experiment = store.open_experiment(wanted, accepts_change=accepts_change)
    except ExperimentMismatchError as error:
        raise DomainSwapError(error.difference, _MISMATCH_ADVICE) from error
    if experiment.objective.nonce != objective.ref.nonce:
        payload = _payload(objective, store, exp_key, experiment.objective)
    if payload is not None:
        # Again, over what a process may have put there whose own experiment was refused.
        store.attach(exp_key, ATTACHMENT, payload)
    if experiment.state is ExperimentState.PAUSED:
        logger.warning(
            "%s is paused; go on with: hpsearch resume %s",
            exp_key,
            shlex.quote(exp_key),
            extra=Event.STILL_PAUSED.of(exp_key=exp_key),
        )
    return experiment


def _limit(store: TrialStore, exp_key: str, rounds: FMinIter, n_more: int | None) -> int | None:
    """Return how many finished trials end the search, None for no limit."""
    if n_more is None:
        return None if rounds.max_evals == sys.maxsize else max(0, rounds.max_evals)
    counts = store.counts(exp_key)
    return n_more + sum(n for state, n in counts.items() if state is not State.CANCELLED)


def _payload(
    objective: PreparedObjective, store: TrialStore, exp_key: str, ref: ObjectiveRef
) -> bytes | None:
    """Return an objective signed for an experiment with this reference; None if it travels by name."""
    if objective.sign is None:
        return None
    return objective.sign(Destination(database=store.database, exp_key=exp_key, nonce=ref.nonce))


def _has_objective(store: TrialStore, exp_key: str) -> bool:
    try:
        return store.experiment(exp_key).objective != UNDECIDED
    except NotFoundError:
        return False
