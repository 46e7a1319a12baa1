"""Fetches objectives that were sent by value, and opens those that are signed.

The signature is checked here, in the worker; only what is behind it goes to the process that
evaluates, and the secret never does.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from hpsearch.core.experiment import BY_VALUE, Code, Experiment
from hpsearch.errors import (
    LoadError,
    NotFoundError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    TooLargeError,
)
from hpsearch.objective.by_value import ATTACHMENT, MAX_ENVELOPE_BYTES, Destination, SignedObjective, opened
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.store.protocol import TrialStore

#: Letters that are kept for the other slots and for the next evaluating process.
_MAX_KEPT = 4

#: Returns the objective of an experiment, if it was sent by value.
ObjectiveSource = Callable[[Experiment], SignedObjective | None]


class ObjectiveCache:
    """The objectives by value of the experiments that a worker serves; shared by its slots.

    Parameters
    ----------
    store : TrialStore
        Where they are attached to their experiments.
    secret : bytes, optional
        What they must be signed with; without one, none is opened.
    watchdog : Pulse, optional
        Beats while a slot waits for what another fetches.
    """

    def __init__(self, store: TrialStore, secret: bytes | None, watchdog: Watchdog | None = None) -> None:
        self._store = store
        self._secret = secret
        self._watchdog = watchdog or Watchdog()
        self._lock = threading.Lock()
        self._kept: OrderedDict[Code, SignedObjective] = OrderedDict()

    def __call__(self, experiment: Experiment) -> SignedObjective | None:
        """Return the letter of an experiment, or None if its objective is on this machine's own disk.

        Raises
        ------
        LoadError
            If it is not there, or may not be opened.
        """
        if experiment.objective.kind != BY_VALUE:
            return None
        key = experiment.code
        with self._watchdog.holding(self._lock):
            if key not in self._kept:
                self._kept[key] = self._fetched(experiment)
            self._kept.move_to_end(key)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _fetched(self, experiment: Experiment) -> SignedObjective:
        exp_key = experiment.exp_key
        try:
            blob = self._store.attachment(exp_key, ATTACHMENT, max_bytes=MAX_ENVELOPE_BYTES)
        except NotFoundError as error:
            raise LoadError(
                f"The objective of experiment {exp_key!r} was sent by value, and is gone; start it anew."
            ) from error
        except TooLargeError as error:
            raise LoadError(
                f"The objective of experiment {exp_key!r} takes more than {MAX_ENVELOPE_BYTES // 2**20} MB, "
                "and is not read: it was not written by hpsearch."
            ) from error
        except (StoreUnavailableError, StorePermissionError):
            raise
        except StoreError as error:
            raise LoadError(
                f"The objective of experiment {exp_key!r} was sent by value, and cannot be read: {error}"
            ) from error
        nonce = experiment.objective.nonce
        destination = Destination(database=self._store.database, exp_key=exp_key, nonce=nonce)
        return opened(blob, destination, self._secret)


def no_signed_objective(experiment: Experiment) -> None:
    """Return None: no objective comes by value."""
