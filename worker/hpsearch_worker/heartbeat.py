"""Renews leases and says "I am alive", from a thread that no objective can hold up.

The objective runs in another process, so a long call into C that holds the
interpreter lock there stops nothing here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hpsearch.errors import StoreError
from hpsearch.fleet import Worker
from hpsearch.store.protocol import Hold, TrialStore
from hpsearch.trial import Trial

log = logging.getLogger(__name__)

#: Seconds between two signs of life in the registry, and how long one is good for.
ALIVE_EVERY_S, ALIVE_FOR_S = 5.0, 20.0

#: Renewals in the length of a lease: three may fail before it is lost.
RENEWALS_PER_LEASE = 4


@dataclass(slots=True)
class Held:
    """A claimed trial, and what the last renewal said of it."""

    trial: Trial
    due: float  #: local time of the next renewal
    hold: Hold = Hold.HELD


class Heartbeat:
    """Keeps the leases of this worker, and its entry in the registry.

    Parameters
    ----------
    store : TrialStore
        Shared with the threads that evaluate.
    describe : callable
        Returns the worker as it is now.
    """

    def __init__(self, store: TrialStore, describe: Callable[[], Worker]) -> None:
        self._store = store
        self._describe = describe
        self._held: dict[str, Held] = {}
        self._wake = threading.Condition()
        self._planned = 0.0  # local time at which the thread means to wake
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Enter the registry, then keep beating."""
        self._store.record_worker(self._describe(), ALIVE_FOR_S)
        self._thread.start()

    def stop(self, last_word: Worker, ttl_s: float) -> None:
        """Stop beating, and leave a last word in the registry for ``ttl_s`` seconds."""
        with self._wake:
            self._is_over = True
            self._wake.notify()
        self._thread.join(timeout=10.0)
        self._store.record_worker(last_word, ttl_s)

    @contextmanager
    def holding(self, trial: Trial) -> Iterator[Held]:
        """Renew the lease of a trial for as long as the block runs."""
        held = Held(trial, time.monotonic() + trial.lease_s / RENEWALS_PER_LEASE)
        with self._wake:
            self._held[_claim(trial)] = held
            if held.due < self._planned:
                self._wake.notify()
        try:
            yield held
        finally:
            with self._wake:
                del self._held[_claim(trial)]

    def _run(self) -> None:
        alive_due = time.monotonic() + ALIVE_EVERY_S
        while True:
            with self._wake:
                while not self._is_over:
                    self._planned = min([alive_due, *(h.due for h in self._held.values())])
                    left = self._planned - time.monotonic()
                    if left <= 0:
                        break
                    self._wake.wait(left)
                if self._is_over:
                    return
                due = [h for h in self._held.values() if h.due <= time.monotonic()]
            for held in due:
                self._renew(held)
            if time.monotonic() >= alive_due:
                self._say_alive()
                alive_due = time.monotonic() + ALIVE_EVERY_S

    def _renew(self, held: Held) -> None:
        held.due = time.monotonic() + held.trial.lease_s / RENEWALS_PER_LEASE
        try:
            held.hold = self._store.renew(held.trial)
        except StoreError as error:
            # Only an answer can say that a lease is lost; this is none, so the evaluation goes on.
            log.debug("renewal of %s failed: %s", held.trial.id, error)

    def _say_alive(self) -> None:
        try:
            self._store.record_worker(self._describe(), ALIVE_FOR_S)
        except StoreError as error:
            log.debug("sign of life failed: %s", error)


def _claim(trial: Trial) -> str:
    """Name one claim; the same trial may be held again before the old evaluation has ended."""
    return f"{trial.id}#{trial.attempt}"
