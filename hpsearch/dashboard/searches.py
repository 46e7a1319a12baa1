"""The searches that pages show now, read in the background."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from hpsearch.core.experiment import Experiment
from hpsearch.dashboard.loaded_search import LoadedSearch
from hpsearch.errors import HpsearchError
from hpsearch.store.protocol import TrialStore

#: Searches in memory; one of 100,000 trials needs tens of megabytes.
_MAX_SEARCHES = 8


class Searches:
    """Loads searches, and keeps those that were used last.

    Parameters
    ----------
    store : TrialStore
        Where to read.
    on_change : callable
        Called with the name of a search when something new was read or computed in the background.
    """

    def __init__(self, store: TrialStore, on_change: Callable[[str], None]) -> None:
        self.store = store
        self._on_change = on_change
        self._lock = threading.Lock()
        self._loading: OrderedDict[str, Future[LoadedSearch]] = OrderedDict()
        self._explaining: set[str] = set()

    def find(self, experiment: Experiment, patience_s: float) -> LoadedSearch | None:
        """Return a search, up to date; None while it is still being read.

        Parameters
        ----------
        experiment : Experiment
            The search.
        patience_s : float
            Seconds to wait for the first read.

        Raises
        ------
        HpsearchError
            If it cannot be read.
        """
        key = experiment.exp_key
        with self._lock:
            future = self._loading.get(key)
            if future is None or (future.done() and future.exception() is not None):
                future = self._loading[key] = Future()
                _in_background(self._load, experiment, future)
                while len(self._loading) > _MAX_SEARCHES:
                    self._loading.popitem(last=False)
            self._loading.move_to_end(key)
        is_new = not future.done()
        try:
            search = future.result(timeout=patience_s)
        except TimeoutError:
            return None
        if not is_new:
            search.refresh()
        return search

    def loaded(self, exp_key: str) -> LoadedSearch | None:
        """Return a search as it was read last; None if it is not in memory."""
        with self._lock:
            future = self._loading.get(exp_key)
        if future is None or not future.done() or future.exception() is not None:
            return None
        return future.result()

    def explain(self, search: LoadedSearch) -> None:
        """Explain a search in the background, if that is due."""
        key = search.experiment.exp_key
        with self._lock:
            if key in self._explaining or not search.needs_explanation():
                return
            self._explaining.add(key)
        _in_background(self._explain, search)

    def _load(self, experiment: Experiment, future: Future[LoadedSearch]) -> None:
        try:
            future.set_result(LoadedSearch(self.store, experiment))
        except Exception as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
        self._on_change(experiment.exp_key)

    def _explain(self, search: LoadedSearch) -> None:
        try:
            with suppress(HpsearchError):  # MongoDB is away: the next page asks again
                search.explain()
        finally:
            with self._lock:
                self._explaining.discard(search.experiment.exp_key)
        self._on_change(search.experiment.exp_key)


def _in_background(work: Callable[..., None], *arguments: Any) -> None:
    """Start work in a thread that does not keep the process from ending."""
    threading.Thread(target=work, args=arguments, name="dashboard-work", daemon=True).start()
