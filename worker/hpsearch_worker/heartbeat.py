"""Renews leases and says "I am alive", from a thread that no objective can hold up.

The objective runs in another process, so a long call into C that holds the
interpreter lock there stops nothing here. And the evaluation never waits for the
database: what it reports is written from here, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hpsearch.core.trial import Report, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import HpsearchError, LeaseLostError
from hpsearch.objective.evaluation import MAX_REPORTS, Attachment
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch_worker.messages import ObjectiveEvent

log = logging.getLogger(__name__)

#: Seconds between two signs of life in the registry, and how long one is good for.
ALIVE_EVERY_S, ALIVE_FOR_S = 5.0, 20.0

#: Renewals in the length of a lease: three may fail before it is lost.
RENEWALS_PER_LEASE = 4

#: Seconds between two renewals at the most, since they also tell of a cancellation.
RENEW_WITHIN_S = 5.0

#: Seconds between two writes of reports, so that an objective that speaks often costs few of them.
_REPORT_EVERY_S = 1.0


@dataclass(slots=True)
class Held:
    """A claimed trial, what the last renewal said of it, and what its objective said."""

    trial: Trial
    due: float  #: local time of the next renewal
    hold: LeaseStatus = LeaseStatus.HELD
    reports: deque[Report] = field(default_factory=deque)  #: not written yet
    attachments: dict[str, bytes | bytearray | memoryview] = field(
        default_factory=dict
    )  #: by name, for when it has ended
    writing: threading.Lock = field(default_factory=threading.Lock)  #: held by who writes reports
    n_reports: int = 0  #: that were heard, from all processes of the objective

    def on_event(self, word: ObjectiveEvent) -> None:
        """Take in what the objective says."""
        match word:
            case Report():
                self.n_reports += 1  # each process of the objective counts its own
                if self.n_reports <= MAX_REPORTS:
                    self.reports.append(word)
            case Attachment():
                self.attachments[word.name] = word.data


class Heartbeat:
    """Keeps the leases of this worker and its entry in the registry, and writes reports.

    Parameters
    ----------
    store : TrialStore
        Shared with the threads that evaluate.
    describe : callable
        Returns the worker as it is now.
    watchdog : Pulse, optional
        Beats with each round.
    """

    def __init__(
        self, store: TrialStore, describe: Callable[[], Worker], watchdog: Watchdog | None = None
    ) -> None:
        self._store = store
        self._watchdog = watchdog or Watchdog()
        self._describe = describe
        self._held: dict[str | None, Held] = {}  # by the token of the claim
        self._wake = threading.Condition()
        self._planned = 0.0  # local time at which the thread means to wake
        self._alive_due = 0.0
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Enter the registry, then keep beating."""
        self._store.record_worker(self._describe(), ALIVE_FOR_S)
        self._alive_due = time.monotonic() + ALIVE_EVERY_S
        self._thread.start()

    def stop(self, last_word: Worker, ttl_s: float) -> None:
        """Stop beating, and leave a last word in the registry for ``ttl_s`` seconds if that can be done."""
        with self._wake:
            self._is_over = True
            self._wake.notify()
        self._thread.join(timeout=10.0)
        try:
            self._store.record_worker(last_word, ttl_s)
        except HpsearchError as error:
            log.warning(
                "leaving without a word in the registry: %s", error, extra=Event.LEFT_UNREGISTERED.of()
            )

    def runs_here(self) -> bool:
        """Whether the calling thread is the one that beats."""
        return threading.current_thread() is self._thread

    @contextmanager
    def holding(self, trial: Trial) -> Iterator[Held]:
        """Renew the lease of a trial for as long as the block runs."""
        held = Held(trial, time.monotonic() + _renew_after_s(trial))
        with self._wake:
            self._held[trial.owner] = held
            if held.due < self._planned:
                self._wake.notify()
        try:
            yield held
        finally:
            with self._wake:
                del self._held[trial.owner]

    def write_reports(self, held: Held) -> None:
        """Write what was reported so far; on return, no write of reports is under way."""
        with held.writing:
            self._write(held)

    def _run(self) -> None:
        with self._watchdog.loop("heartbeat"):
            self._beat()

    def _beat(self) -> None:
        while True:
            self._watchdog.beat()
            with self._wake:
                if not self._is_over:
                    self._wake.wait(self._wait_s())
                if self._is_over:
                    return
                claims = list(self._held.values())
            for held in claims:
                with _survived():
                    self._write_meanwhile(held)
                if held.due <= time.monotonic():
                    with _survived():
                        self._renew(held)
            if time.monotonic() >= self._alive_due:
                with _survived():
                    self._say_alive()

    def _wait_s(self) -> float:
        now = time.monotonic()
        dues = [now + _REPORT_EVERY_S, self._alive_due, *(held.due for held in self._held.values())]
        self._planned = min(dues)
        return max(0.0, self._planned - now)

    def _write_meanwhile(self, held: Held) -> None:
        """Write what was reported, unless the slot does: leases do not wait for as long as that may take."""
        if held.writing.acquire(blocking=False):
            try:
                self._write(held)
            finally:
                held.writing.release()

    def _write(self, held: Held) -> None:
        batch = [held.reports.popleft() for _ in range(len(held.reports))]
        if not batch:
            return
        try:
            self._store.report(held.trial, batch)
        except LeaseLostError:
            held.due = 0.0  # the next renewal, at once, tells whether it was cancelled
        except HpsearchError as error:
            log.warning(
                "%d reports of trial %s were not stored: %s",
                len(batch),
                held.trial.id,
                error,
                extra=Event.REPORTS_NOT_STORED.about(held.trial, n_reports=len(batch)),
            )

    def _renew(self, held: Held) -> None:
        held.due = time.monotonic() + _renew_after_s(held.trial)
        try:
            held.hold = self._store.renew(held.trial)
        except HpsearchError as error:
            # Only an answer can say that a lease is lost; this is none, so the evaluation goes on.
            log.debug(
                "renewal of %s failed: %s",
                held.trial.id,
                error,
                extra=Event.RENEWAL_FAILED.about(held.trial),
            )

    def _say_alive(self) -> None:
        try:
            self._store.record_worker(self._describe(), ALIVE_FOR_S)
        except HpsearchError as error:
            log.debug("sign of life failed: %s", error, extra=Event.SIGN_OF_LIFE_FAILED.of())
        finally:
            self._alive_due = time.monotonic() + ALIVE_EVERY_S


@contextmanager
def _survived() -> Iterator[None]:
    """Log an error that nobody foresaw: one step may fail, but without the thread all leases lapse."""
    try:
        yield
    except Exception:
        log.exception("a step of the heartbeat failed; it goes on", extra=Event.HEARTBEAT_FAILED.of())


def _renew_after_s(trial: Trial) -> float:
    return min(trial.lease_s / RENEWALS_PER_LEASE, RENEW_WITHIN_S)
