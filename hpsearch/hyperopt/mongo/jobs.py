"""``MongoJobs``: Hyperopt's name for the database that stores a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    Doc,
)
from hpsearch.hyperopt.mongo.documents import doc_of, labels_of
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import TrialStore

#: Seconds that a script waits for an unreachable database, unless it coordinates a search.
PATIENCE_S = 30.0

#: Seconds that a coordinating script retries while MongoDB rejects its user, as the commands do.
_AUTH_PATIENCE_S = 600.0


class MongoJobs:
    """The trials of all experiments in one database.

    Parameters
    ----------
    store : TrialStore
        The store of that database.
    patience : Patience
        The patience of that store's connection.
    """

    def __init__(self, store: TrialStore, patience: Patience) -> None:
        self.store = store
        self.patience = patience

    @classmethod
    def new_from_connection_str(cls, conn_str: str, gfs_coll: str = "fs", config_name: str = "spec") -> Self:
        """Connect to ``mongo://host:port/db/jobs``, or to any MongoDB URI.

        Parameters
        ----------
        conn_str : str
            The address. Its collection is ignored; hpsearch has its own collections.
        gfs_coll, config_name : str
            Accepted for compatibility.

        Raises
        ------
        ConfigurationError
            If the address is invalid.
        StorePermissionError, StoreUnavailableError
            If the database rejects the user or cannot be reached.
        """
        patience = Patience(PATIENCE_S, 0.0)
        return cls(MongoStore.connect(jobs_address(conn_str).uri, patience=patience), patience)

    @contextmanager
    def waiting(self, away_s: float) -> Iterator[None]:
        """Wait up to ``away_s`` seconds for an unreachable database within the context."""
        patience = self.patience
        before = patience.away_s, patience.refused_s
        patience.away_s, patience.refused_s = away_s, _AUTH_PATIENCE_S
        try:
            yield
        finally:
            patience.away_s, patience.refused_s = before

    def __len__(self) -> int:
        return sum(sum(self.store.counts(key).values()) for key in self._exp_keys())

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"MongoJobs.{name} is not supported: workers claim and finish trials under a lease in the store; "
            "read trials with MongoTrials, or with the commands hpsearch trials and hpsearch show."
        )

    def jobs_complete(self, cursor: bool = False) -> Any:
        """Return the documents of done trials: a list, or an iterator with ``cursor``."""
        return self._in_state(JOB_STATE_DONE, cursor)

    def jobs_error(self, cursor: bool = False) -> Any:
        """Return the documents of failed trials."""
        return self._in_state(JOB_STATE_ERROR, cursor)

    def jobs_running(self, cursor: bool = False) -> Any:
        """Return the documents of running trials."""
        return self._in_state(JOB_STATE_RUNNING, cursor)

    def jobs_queued(self, cursor: bool = False) -> Any:
        """Return the documents of pending trials."""
        return self._in_state(JOB_STATE_NEW, cursor)

    def jobs_dead(self, cursor: bool = False) -> Any:
        """Return nothing: when a worker dies, its trial becomes pending again or fails."""
        return iter(()) if cursor else []

    def _in_state(self, state: int, cursor: bool) -> Any:
        found = (doc for doc in self._docs() if doc["state"] == state)
        return found if cursor else list(found)

    def _docs(self) -> Iterator[Doc]:
        for experiment in self.store.experiments():
            labels = labels_of(experiment)
            for trial in self.store.trials(experiment.exp_key):
                yield doc_of(trial, labels, experiment.exp_key)

    def _exp_keys(self) -> list[str]:
        return [experiment.exp_key for experiment in self.store.experiments()]
