"""Creates or joins the experiment for a call of ``fmin``."""

from __future__ import annotations

import logging
import shlex
import sys
from typing import TYPE_CHECKING

from hpsearch.coordination.sent_objective import open_with_payload
from hpsearch.core.experiment import UNDECIDED, Budget, Experiment, ExperimentState
from hpsearch.core.goal import LOSS
from hpsearch.core.outcomes import outcomes_text
from hpsearch.core.trial import State
from hpsearch.errors import ConfigurationError, ExperimentMismatchError, NotFoundError
from hpsearch.hyperopt.engine.fmin_iter import FMinIter
from hpsearch.hyperopt.mongo.algorithm import algorithm_of
from hpsearch.hyperopt.mongo.objective import prepare_objective
from hpsearch.hyperopt.mongo.warm_start import Sources, with_warm_start
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

if TYPE_CHECKING:
    from hpsearch.hyperopt.mongo.trials import MongoTrials

logger = logging.getLogger(__name__)

_MISMATCH_ADVICE = (
    "give MongoTrials another exp_key for a new search, or call its delete_all() to delete this one; "
    "to continue after changing the code of a function in a module, set its accepts_changed_objective."
)


class DomainSwapError(ExperimentMismatchError):
    """The experiment exists with another objective or space."""


def open_experiment(
    trials: MongoTrials, driver: FMinIter, n_more: int | None, sources: Sources = ()
) -> Experiment:
    """Create or join the experiment; its objective is stored before any worker can see the experiment.

    Parameters
    ----------
    trials : MongoTrials
        Store, name and settings of the experiment.
    driver : FMinIter
        Objective, space, algorithm and limits.
    n_more : int, optional
        New trials; by default as many as ``driver.max_evals`` in all.
    sources : sequence of str or None
        Searches from which a new experiment starts; None for all similar ones.

    Raises
    ------
    DomainSwapError
        If the experiment exists with another objective or space.
    ConfigurationError, LoadError
        If the objective cannot be sent to workers.
    ConfigurationError, NotFoundError
        If the new experiment cannot start from one of the sources.
    SpaceError
        If the space cannot be sent to workers.
    """
    store, exp_key = trials.store, trials.exp_name
    space, objective = driver.domain.space, prepare_objective(driver.domain)
    wanted = Experiment(
        exp_key=exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=objective.ref,
        goal=driver.domain.goal,
        outcomes=driver.domain.outcomes,
        algorithm=algorithm_of(driver.algo, driver.domain.believe),
        seed=driver.seed,
        lag=trials.lag,
        # The timeout applies to this call, so this process checks it.
        budget=Budget(max_evals=_limit(store, exp_key, driver, n_more), loss_threshold=driver.loss_threshold),
        defaults=trials.defaults,
        pruner=driver.domain.pruner,
    )
    _check_outcomes(store, wanted)
    wanted = with_warm_start(store, wanted, space, sources)
    try:
        experiment = open_with_payload(
            store,
            wanted,
            lambda ref: objective.payload(store.database, exp_key, ref),
            accepts_change=trials.accepts_changed_objective,
        )
    except ExperimentMismatchError as error:
        raise DomainSwapError(error.difference, _MISMATCH_ADVICE) from error
    if experiment.state is ExperimentState.PAUSED:
        logger.warning(
            "%s is paused; go on with: hpsearch resume %s",
            exp_key,
            shlex.quote(exp_key),
            extra=Event.STILL_PAUSED.of(exp_key=exp_key),
        )
    return experiment


def _check_outcomes(store: TrialStore, wanted: Experiment) -> None:
    """Refuse to go on with other objectives or limits: the results so far are those of the first ones."""
    try:
        stored = store.experiment(wanted.exp_key)
    except NotFoundError:
        return
    is_same = stored.outcomes == wanted.outcomes and wanted.goal in (LOSS, stored.goal)
    if stored.objective != UNDECIDED and not is_same:
        raise ConfigurationError(
            f"The search {stored.exp_key!r} {outcomes_text(stored.goal, stored.outcomes)}; give MongoTrials "
            f"another exp_key for one that {outcomes_text(wanted.goal, wanted.outcomes)}."
        )


def _limit(store: TrialStore, exp_key: str, driver: FMinIter, n_more: int | None) -> int | None:
    """Return the number of finished trials that ends the search; None for no limit."""
    if n_more is None:
        return None if driver.max_evals == sys.maxsize else max(0, driver.max_evals)
    counts = store.counts(exp_key)
    return n_more + sum(n for state, n in counts.items() if state is not State.CANCELLED)
