"""``MongoJobs``: the database that a search is kept in, under Hyperopt's name for it."""

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

#: Seconds that a script waits for a database that is away, unless it leads a search.
PATIENCE_S = 30.0

#: Seconds that a script which leads a search waits while MongoDB refuses its user, as the commands do.
_AUTH_PATIENCE_S = 600.0


class MongoJobs:
    """The trials of all experiments in one database.

    Parameters
    ----------
    store : TrialStore
        The database.
    patience : Patience
        Of that store.
    """

    def __init__(self, store: TrialStore, patience: Patience) -> None:
        self.store = store
        self.patience = patience

    @classmethod
    def new_from_connection_str(cls, conn_str: str, gfs_coll: str = "fs", config_name: str = "spec") -> Self:
        """Connect to ``mongo://host:port/db/jobs``, or to any URI of MongoDB.

        Parameters
        ----------
        conn_str : str
            The address. The collection that it names is not used: ours are ``experiments``,
            ``trials``, ``workers`` and ``attachments``.
        gfs_coll, config_name : str
            Accepted for compatibility.

        Raises
        ------
        ConfigurationError, StorePermissionError, StoreUnavailableError
            If the address is none, or there is no database that lets this user in.
        """
        patience = Patience(PATIENCE_S, 0.0)
        return cls(MongoStore.connect(jobs_address(conn_str).uri, patience=patience), patience)

    @contextmanager
    def waiting(self, away_s: float) -> Iterator[None]:
        """Wait up to ``away_s`` seconds for the database meanwhile, as a script that leads a search."""
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
            f"MongoJobs.{name} is not kept: workers claim and finish trials under a lease in the store; "
            f"read trials with MongoTrials, or with the commands hpsearch trials and hpsearch show."
        )

    def jobs_complete(self, cursor: bool = False) -> Any:
        """Return the documents of trials that are done, as a list or an iterator."""
        return self._in_state(JOB_STATE_DONE, cursor)

    def jobs_error(self, cursor: bool = False) -> Any:
        """Return the documents of trials that failed."""
        return self._in_state(JOB_STATE_ERROR, cursor)

    def jobs_running(self, cursor: bool = False) -> Any:
        """Return the documents of trials under evaluation."""
        return self._in_state(JOB_STATE_RUNNING, cursor)

    def jobs_queued(self, cursor: bool = False) -> Any:
        """Return the documents of trials that wait."""
        return self._in_state(JOB_STATE_NEW, cursor)

    def jobs_dead(self, cursor: bool = False) -> Any:
        """Return nothing: a trial whose worker died waits again, or has failed."""
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
