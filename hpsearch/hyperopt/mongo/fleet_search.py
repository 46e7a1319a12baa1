"""``fmin`` on a fleet: the process of the script coordinates an experiment that workers evaluate."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.run_loop import run_to_end
from hpsearch.core.experiment import SCRIPTED, Experiment
from hpsearch.core.trial import FINISHED
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.fmin_iter import FMinIter
from hpsearch.hyperopt.mongo.algorithm import FunctionSuggester, algorithm_of
from hpsearch.hyperopt.mongo.experiment import open_experiment
from hpsearch.hyperopt.mongo.monitor import SearchMonitor
from hpsearch.hyperopt.mongo.warm_start import Sources
from hpsearch.hyperopt.progress import progress_bar
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import Suggester

if TYPE_CHECKING:
    from hpsearch.hyperopt.mongo.trials import MongoTrials


def search_on_fleet(
    driver: FMinIter,
    trials: MongoTrials,
    points: Iterable[Mapping[str, Any]],
    n_more: int | None,
    sources: Sources = (),
) -> None:
    """Coordinate a search until it reaches a limit; workers started elsewhere evaluate the trials.

    Parameters
    ----------
    driver : FMinIter
        Objective, space, algorithm and limits.
    trials : MongoTrials
        The trials of the experiment.
    points : iterable of mapping
        Points to try first.
    n_more : int, optional
        New trials; by default as many as ``driver.max_evals`` in all.
    sources : sequence of str or None
        Searches from which a new experiment starts; None for all similar ones.

    Raises
    ------
    DomainSwapError
        If the experiment exists with another objective or space.
    ConfigurationError
        If ``trials_save_file`` is set, if ``trials.lag`` is set with a custom algorithm, or for a
        reason of ``open_experiment``.
    """
    if driver.trials_save_file:
        raise ConfigurationError(
            "trials_save_file cannot be used with MongoTrials, since MongoDB keeps the trials; leave it out "
            "and continue the search with the same exp_key."
        )
    space, algorithm = driver.domain.space, algorithm_of(driver.algo, driver.domain.believe)
    if algorithm.name == SCRIPTED and trials.lag:
        raise ConfigurationError(
            "A custom algorithm reads all finished trials, so trials.lag must be None or 0."
        )
    experiment = open_experiment(trials, driver, n_more, sources)
    trials.set_space(space)  # the stored one may not import or call anything
    trials.insert_points(experiment, space, points)
    if algorithm.name == SCRIPTED:
        suggester = FunctionSuggester(driver.algo, driver.domain, trials, trials.clock)
        _run_to_end(driver, trials, experiment, suggester, lambda: not suggester.is_exhausted)
    else:
        _run_to_end(driver, trials, experiment, make_suggester(algorithm, space), lambda: True)


def _run_to_end(
    driver: FMinIter,
    trials: MongoTrials,
    experiment: Experiment,
    suggester: Suggester,
    has_more_points: Callable[[], bool],
) -> None:
    """Coordinate the experiment to its end and show the progress."""
    coordinator = Coordinator(
        trials.store,
        experiment,
        trials.clock,
        space=driver.domain.space,
        suggester=suggester,
        min_pending=driver.max_queue_len,
        insert=trials.insert_suggested if trials.has_insertion_hooks else None,
    )
    n_known = sum(trials.store.counts(experiment.exp_key, FINISHED).values())
    limit = experiment.budget.max_evals
    n_total = sys.maxsize if limit is None else max(n_known, limit)
    with (
        trials.handle.waiting(math.inf if driver.timeout is None else driver.timeout),
        progress_bar(
            driver.show_progressbar, verbose=driver.verbose, n_known=n_known, n_total=n_total
        ) as bar,
    ):
        monitor = SearchMonitor(
            driver,
            has_more_points,
            n_known,
            bar,
            trials.clock,
            has_refresh_hook=trials.has_refresh_hook,
        )
        run_to_end(coordinator, show=monitor.show, grace_s=trials.grace_s, check=monitor.check)
