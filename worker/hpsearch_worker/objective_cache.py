"""Fetches objectives that were sent by value and checks their signatures.

The check happens here, in the worker: the evaluating process gets a verified pickle and never the secret.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from hpsearch.core.experiment import BY_VALUE, Code, Experiment
from hpsearch.errors import (
    LoadError,
    NotFoundError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
)
from hpsearch.objective.by_value.envelope import (
    ATTACHMENT,
    MAX_ENVELOPE_BYTES,
    Destination,
    SignedObjective,
    verify,
)
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.store.protocol import TrialStore

#: Objectives that are kept for other slots and for the next evaluating process.
_MAX_KEPT = 4


class ObjectiveCache:
    """The objectives by value of the experiments that a worker serves, shared by its slots.

    Parameters
    ----------
    store : TrialStore
        Holds each objective as an attachment of its experiment.
    secret : bytes, optional
        Key of the signatures; without one, no objective is opened.
    watchdog : Watchdog, optional
        Beats while a slot waits for another slot to fetch an objective.
    """

    def __init__(self, store: TrialStore, secret: bytes | None, watchdog: Watchdog | None = None) -> None:
        self._store = store
        self._secret = secret
        self._watchdog = watchdog or Watchdog()
        self._lock = threading.Lock()
        self._kept: OrderedDict[Code, SignedObjective] = OrderedDict()

    def __call__(self, experiment: Experiment) -> SignedObjective | None:
        """Return the signed objective of an experiment, or None if the objective is a name to import.

        Raises
        ------
        LoadError
            If the objective is missing or its signature is refused.
        """
        if experiment.objective.kind != BY_VALUE:
            return None
        key = experiment.code
        with self._watchdog.holding(self._lock):
            if key not in self._kept:
                self._kept[key] = self._fetch(experiment)
            self._kept.move_to_end(key)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _fetch(self, experiment: Experiment) -> SignedObjective:
        exp_key = experiment.exp_key
        try:
            blob = self._store.attachment(exp_key, ATTACHMENT, max_bytes=MAX_ENVELOPE_BYTES)
        except (StoreUnavailableError, StorePermissionError):
            raise
        except (NotFoundError, StoreError) as error:
            raise LoadError(
                f"The objective of experiment {exp_key!r} was sent by value and cannot be read: {error}"
            ) from error
        nonce = experiment.objective.nonce
        destination = Destination(database=self._store.database, exp_key=exp_key, nonce=nonce)
        return verify(blob, destination, self._secret)
