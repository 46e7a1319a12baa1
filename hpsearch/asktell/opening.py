"""``hpsearch.open``: create or join a search, in memory or in a database."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hpsearch.asktell.joining import given, join
from hpsearch.asktell.search import Search
from hpsearch.core.experiment import invalid_exp_key, is_exp_key
from hpsearch.errors import ConfigurationError
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import TrialStore

#: Seconds in which the database must answer first; later calls wait for the end of an outage.
_PATIENCE_S = 5.0


def open(  # noqa: A001 - read as hpsearch.open
    store: str | TrialStore | None = None,
    exp_key: str = "search",
    space: Any = None,
    *,
    objectives: Mapping[str, str] | None = None,
    limits: Mapping[str, str] | None = None,
    max_evals: int | None = None,
    until: str | None = None,
    loss_threshold: float | None = None,
    algo: str | None = None,
    algo_options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    lease: float | None = None,
    max_attempts: int | None = None,
) -> Search:
    """Create or join a search whose trials the caller evaluates: ask for one, evaluate it, tell its result.

    Parameters
    ----------
    store : str or TrialStore, optional
        Address of a MongoDB, such as ``mongodb://db.example/hpsearch``; by default the search is in memory.
    exp_key : str
        Name of the search.
    space : object, optional
        The search space: any structure with ``hp`` expressions, or a ``Space``. By default, that of an
        existing search.
    objectives : mapping of str to str, optional
        Numbers of the results to optimize, by name: ``{"error": "min", "accuracy": "max"}``; by default the
        loss is minimised. Each is a key of the mapping given to ``tell``, or of its ``losses``.
    limits : mapping of str to str, optional
        Bounds of numbers of the results that the best trials keep: ``{"memory_gb": "<= 8"}``. A number in the
        ``constraints`` of a result is an amount that exceeds its limit if it is positive.
    max_evals : int, optional
        End after this number of finished trials in the whole search. Limits that are not given stay as they
        are.
    until : str, optional
        End when a trial on the front, or the best one, fulfils this condition on the objectives:
        "error <= 0.03 and ms <= 10".
    loss_threshold : float, optional
        End when a loss is this low.
    algo : str, optional
        Name of the algorithm of a new search; by default "auto".
    algo_options : mapping, optional
        Options of the algorithm.
    seed : int, optional
        Seed of a new search; by default a random one.
    lease : float, optional
        Seconds after which a process that no longer renews its trial loses it; by default 60.
    max_attempts : int, optional
        Number of processes that a trial may lose before it fails; by default 3.

    Raises
    ------
    NotFoundError
        If no space is given and there is no such search.
    ExperimentMismatchError
        If the search exists with another space.
    SpaceError
        If the space is invalid.
    ConfigurationError
        If an argument is invalid.
    StoreUnavailableError
        If the database cannot be reached.
    """
    if not is_exp_key(exp_key):
        raise ConfigurationError(invalid_exp_key(exp_key))
    begun = given(algo=algo, algo_options=algo_options, seed=seed, objectives=objectives, limits=limits)
    budget = given(max_evals=max_evals, loss_threshold=loss_threshold, until=until)
    defaults = given(lease_s=lease, max_attempts=max_attempts)
    opened, close = _opened(store)
    try:
        experiment, tree = join(
            opened, exp_key, space, begun=begun, budget=budget, defaults=defaults, restarts=True
        )
        return Search(opened, experiment, tree, close)
    except BaseException:
        close()
        raise


def _opened(store: str | TrialStore | None) -> tuple[TrialStore, Callable[[], None]]:
    """Return a store, and a function that closes it if it was opened here."""
    if store is None:
        return MemoryStore(), lambda: None
    if not isinstance(store, str):
        return store, lambda: None
    patience = Patience(_PATIENCE_S)
    connected = MongoStore.connect(store, patience=patience)
    patience.away_s = math.inf
    return connected, connected.close
