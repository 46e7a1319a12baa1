"""``fmin`` on a fleet: an experiment of ours, led from the process of the script."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from hpsearch.conduct import conduct
from hpsearch.coordinator import Coordinator
from hpsearch.errors import ConfigurationError, ExperimentMismatchError, NotFoundError
from hpsearch.experiment import SCRIPTED, UNDECIDED, Budget, Experiment, ExperimentState
from hpsearch.hyperopt.iteration import FMinIter
from hpsearch.hyperopt.mongo.algorithm import Asking, algorithm_of
from hpsearch.hyperopt.mongo.exceptions import DomainSwapError
from hpsearch.hyperopt.mongo.jobs import Patience
from hpsearch.hyperopt.mongo.objective import Sent, sent
from hpsearch.hyperopt.progress import shown_progress
from hpsearch.payload import ATTACHMENT
from hpsearch.plan import EndReason
from hpsearch.progress import Progress
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import Suggester
from hpsearch.trial import State

logger = logging.getLogger(__name__)

#: Seconds without a worker after which a script is told how to start one.
_LONELY_S = 5.0


class FleetTrials(Protocol):
    """What a search needs of the trials that a script gave it."""

    grace_s: float
    handle: Any

    @property
    def exp_name(self) -> str:
        """The name of the experiment."""
        ...

    @property
    def store(self) -> TrialStore:
        """Where the trials are."""
        ...

    def refresh(self) -> None:
        """Bring the documents up to date."""
        ...

    def learn_space(self, space: Space) -> None:
        """Note which space the trials are of."""
        ...

    def insert_points(self, space: Space, points: Iterable[Mapping[str, Any]]) -> None:
        """Queue points ahead of all others."""
        ...


def search_on_fleet(
    rounds: FMinIter, trials: FleetTrials, points: Iterable[Mapping[str, Any]], n_more: int | None
) -> None:
    """Lead a search until a limit is reached; workers that are started elsewhere evaluate.

    Parameters
    ----------
    rounds : FMinIter
        Objective, space, algorithm and limits.
    trials : MongoTrials
        The experiment.
    points : iterable of mapping
        Points to try first.
    n_more : int, optional
        New trials; by default as many as ``rounds.max_evals`` in all.

    Raises
    ------
    DomainSwapError
        If the experiment exists with another objective or space.
    ConfigurationError
        If the objective cannot be sent, or ``trials_save_file`` is given.
    """
    if rounds.trials_save_file:
        raise ConfigurationError(
            "trials_save_file is not used with MongoTrials, since MongoDB keeps the trials; leave it out, "
            "and go on with the same exp_key."
        )
    store, space = trials.store, rounds.domain.space
    objective = sent(rounds.domain, trials.exp_name)
    wanted = _described(rounds, trials.exp_name, objective)
    if n_more is not None:
        counts = store.counts(trials.exp_name)
        present = sum(n for state, n in counts.items() if state is not State.CANCELLED)
        wanted = replace(wanted, budget=replace(wanted.budget, max_evals=present + n_more))
    experiment = _opened(store, wanted, objective)
    trials.learn_space(space)
    trials.insert_points(space, points)
    suggester: Suggester = (
        Asking(rounds.algo, rounds.domain, trials)
        if wanted.algorithm.name == SCRIPTED
        else make_suggester(wanted.algorithm, space)
    )
    _led(rounds, trials, experiment, suggester)


def _described(rounds: FMinIter, name: str, objective: Sent) -> Experiment:
    """Return the experiment that a call to ``fmin`` describes."""
    space = rounds.domain.space
    limit = None if rounds.max_evals == sys.maxsize else max(0, rounds.max_evals)
    return Experiment(
        exp_key=name,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=objective.ref,
        algorithm=algorithm_of(rounds.algo),
        seed=rounds.seed,
        # The timeout is that of this call, so that this process minds it, and not the experiment.
        budget=Budget(max_evals=limit, loss_threshold=rounds.loss_threshold),
    )


def _opened(store: TrialStore, wanted: Experiment, objective: Sent) -> Experiment:
    """Create or join the experiment, its objective beside it before a worker can see it."""
    if objective.blob is not None and not _has_objective(store, wanted.exp_key):
        store.attach(wanted.exp_key, ATTACHMENT, objective.blob)
    try:
        experiment = store.open_experiment(wanted)
    except ExperimentMismatchError as error:
        difference = str(error).rpartition("; ")[0]
        raise DomainSwapError(
            f"{difference}; give MongoTrials another exp_key for a new search, or call delete_all() "
            "on it to forget this one."
        ) from error
    if objective.blob is not None:
        # Again, over what a process may have put there whose own experiment was refused.
        store.attach(wanted.exp_key, ATTACHMENT, objective.blob)
    if experiment.state is ExperimentState.PAUSED:
        logger.warning("%s is paused; go on with: hpsearch resume %s", wanted.exp_key, wanted.exp_key)
    return experiment


def _has_objective(store: TrialStore, exp_key: str) -> bool:
    try:
        return store.experiment(exp_key).objective != UNDECIDED
    except NotFoundError:
        return False


def _led(rounds: FMinIter, trials: FleetTrials, experiment: Experiment, suggester: Suggester) -> None:
    """Lead the experiment to its end, and show how far it is."""
    coordinator = Coordinator(
        trials.store, experiment, suggester=suggester, least_pending=rounds.max_queue_len
    )
    n_known = sum(trials.store.counts(experiment.exp_key, {State.DONE, State.FAILED}).values())
    n_total = max(n_known, experiment.budget.max_evals or sys.maxsize)
    watch = _Watch(rounds, trials, suggester, n_known)
    patience: Patience = trials.handle.patience
    with (
        patience.lasting(math.inf if rounds.timeout is None else rounds.timeout),
        shown_progress(
            rounds.show_progressbar, verbose=rounds.verbose, n_known=n_known, n_total=n_total
        ) as bar,
    ):
        conduct(
            coordinator,
            show=lambda progress: watch.show(progress, bar),
            grace_s=trials.grace_s,
            check=watch.check,
        )


class _Watch:
    """Shows how far a search is, and ends it by what only the script knows."""

    def __init__(
        self,
        rounds: FMinIter,
        trials: FleetTrials,
        suggester: Suggester,
        n_known: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rounds, self._trials, self._suggester, self._clock = rounds, trials, suggester, clock
        self._started_at = clock()
        self._n_shown = self._n_judged = n_known
        self._is_lonely_told = False

    def show(self, progress: Progress, bar: Any) -> None:
        """Bring the bar up to date; say once when there is nobody to work."""
        if progress.best is not None:
            bar.postfix = f"best loss: {progress.best.loss}"
        if progress.n_finished > self._n_shown:
            bar.update(progress.n_finished - self._n_shown)
            self._n_shown = progress.n_finished
        if progress.workers or self._is_lonely_told or self._clock() - self._started_at < _LONELY_S:
            return
        self._is_lonely_told = True
        logger.warning(
            "No worker serves %s yet; start some with: hpsearch worker --store URI --exp-key %s",
            self._trials.exp_name,
            self._trials.exp_name,
        )

    def check(self, progress: Progress) -> EndReason | None:
        """Return why the search should end, if it should."""
        rounds = self._rounds
        if rounds.timeout is not None and self._clock() - self._started_at >= rounds.timeout:
            return EndReason.TIMEOUT
        n_open = progress.counts[State.PENDING] + progress.counts[State.RUNNING]
        if isinstance(self._suggester, Asking) and self._suggester.is_exhausted and n_open == 0:
            return EndReason.NO_MORE_POINTS
        if rounds.early_stop_fn is None or progress.n_finished <= self._n_judged:
            return None
        self._n_judged = progress.n_finished
        self._trials.refresh()
        return EndReason.EARLY_STOP if rounds.asks_to_stop() else None
