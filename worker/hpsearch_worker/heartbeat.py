"""Renews leases, writes reports and updates the worker registry, from a thread that no objective can block.

The objective runs in another process, so even a long call into C that holds its interpreter lock does not
delay this thread. And the evaluation never waits for the database: its reports are written from here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from hpsearch.core.experiment import NO_PRUNER, Pruner
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.trial import OUTPUT_NAME, Report, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import HpsearchError, LeaseLostError
from hpsearch.objective.checkpoint import LoadCheckpoint, SaveCheckpoint, ShouldStop
from hpsearch.objective.current_trial import MAX_REPORTS, Attachment
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch_worker.checkpoints import CheckpointWriter
from hpsearch_worker.messages import ObjectiveEvent, OpenQuestion, Printed
from hpsearch_worker.pruning import Judge, Policies

log = logging.getLogger(__name__)

#: Seconds between two updates of the registry, and how long one is valid.
ALIVE_EVERY_S, ALIVE_FOR_S = 5.0, 20.0

#: Renewals in the length of a lease: three may fail before it is lost.
RENEWALS_PER_LEASE = 4

#: The longest time between two renewals, in seconds, since they also report a cancellation.
RENEW_WITHIN_S = 5.0

#: Seconds between two writes of reports, which are batched.
_REPORT_EVERY_S = 1.0


@dataclass(slots=True)
class HeldTrial:
    """A claimed trial, the answer to its last renewal, and the events of its objective."""

    trial: Trial
    due: float  #: local time of the next renewal
    goal: Goal = LOSS  #: of its experiment; reports are stored like losses
    lease: LeaseStatus = LeaseStatus.HELD
    reports: deque[Report] = field(default_factory=deque)  #: not yet written
    #: by name, stored when the evaluation has ended
    attachments: dict[str, bytes | bytearray | memoryview] = field(default_factory=dict)
    writing: threading.Lock = field(default_factory=threading.Lock)  #: held while reports are written
    output: bytes = b""  #: the end of what it printed
    stored_output: bytes = b""  #: the same as last stored
    has_ended: bool = False  #: then the output is stored with the result
    n_reports: int = 0  #: received from all processes of the objective, and kept from earlier attempts
    checkpoints: CheckpointWriter = field(init=False)
    judge: Judge | None = None  #: decides whether it should stop; None without a pruner
    wake: Callable[[], None] = lambda: None  #: makes the heartbeat write the reports now

    def on_event(self, event: ObjectiveEvent) -> None:
        """Keep an event of the objective."""
        match event:
            case Report():
                self.n_reports += 1  # each process of the objective counts only its own
                if self.n_reports <= MAX_REPORTS:
                    report = replace(event, value=self.goal.loss(event.value))
                    self.reports.append(report)
                    if self.judge is not None and self.judge.add(report):
                        self.wake()
            case Attachment():
                self.attachments[event.name] = event.data
            case Printed():
                self.output = event.end
            case OpenQuestion(question=ShouldStop()):
                with suppress(OSError):  # the evaluating process has ended
                    event.answer(None if self.judge is None else self.judge.stop_reason)
            case OpenQuestion(question=SaveCheckpoint() | LoadCheckpoint() as question):
                self.checkpoints.put(question, event.answer)


class Heartbeat:
    """Renews the leases of a worker, writes its reports and keeps its registry entry up to date.

    Parameters
    ----------
    store : TrialStore
        Shared with the threads that evaluate.
    describe : callable
        Returns the worker's registry entry as it is now.
    watchdog : Watchdog, optional
        Beats with each round.
    """

    def __init__(
        self, store: TrialStore, describe: Callable[[], Worker], watchdog: Watchdog | None = None
    ) -> None:
        self._store = store
        self._watchdog = watchdog or Watchdog()
        self._describe = describe
        self._held: dict[str | None, HeldTrial] = {}  # by the token of the claim
        self._wake = threading.Condition()
        self._policies = Policies(store)
        self._wake_at = 0.0  # local time at which the thread wakes next
        self._alive_due = 0.0
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Register the worker and start the thread."""
        self._store.record_worker(self._describe(), ALIVE_FOR_S)
        self._alive_due = time.monotonic() + ALIVE_EVERY_S
        self._thread.start()

    def stop(self, final_entry: Worker, ttl_s: float) -> None:
        """Stop the thread, and write the last registry entry if the database can be reached.

        Parameters
        ----------
        final_entry : Worker
            The entry to leave.
        ttl_s : float
            Seconds until the registry removes it.
        """
        with self._wake:
            self._is_over = True
            self._wake.notify()
        self._thread.join(timeout=10.0)
        try:
            self._store.record_worker(final_entry, ttl_s)
        except HpsearchError as error:
            log.warning(
                "could not update the worker registry on exit: %s", error, extra=Event.LEFT_UNREGISTERED.of()
            )

    def runs_here(self) -> bool:
        """Whether the calling thread is the heartbeat's."""
        return threading.current_thread() is self._thread

    @contextmanager
    def holding(self, trial: Trial, goal: Goal = LOSS, pruner: Pruner = NO_PRUNER) -> Iterator[HeldTrial]:
        """Renew the lease of a trial while the block runs.

        Parameters
        ----------
        trial : Trial
            As it was claimed.
        goal : Goal
            The goal of its experiment.
        pruner : Pruner
            The pruner of its experiment.
        """
        due = time.monotonic() + _renew_after_s(trial)
        held = HeldTrial(trial, due, goal, n_reports=len(trial.reports))
        if pruner.is_on:
            held.judge = Judge(trial, partial(self._policies.of, trial))
            held.wake = self._notify
        held.checkpoints = CheckpointWriter(
            self._store, trial, partial(self._write_when_free, held), partial(_renew_now, held)
        )
        with self._wake:
            self._held[trial.owner] = held
            if held.due < self._wake_at:
                self._wake.notify()
        try:
            yield held
        finally:
            held.checkpoints.close()
            with self._wake:
                del self._held[trial.owner]

    def refresh_policy(self, held: HeldTrial) -> None:
        """Read the policy by which a trial is judged, if there is a new one."""
        if held.judge is not None:
            self._policies.refresh(held.trial)

    def write_reports(self, held: HeldTrial) -> None:
        """Write the reports so far; on return, no other thread is writing any, or the output."""
        with held.writing:
            held.has_ended = True
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
                with _errors_logged():
                    self._unless_busy(held, self._write)
                if held.due <= time.monotonic():
                    with _errors_logged():
                        if self._renew(held):
                            self._unless_busy(held, self._store_output)
                            self.refresh_policy(held)
            if time.monotonic() >= self._alive_due:
                with _errors_logged():
                    self._update_registry()

    def _notify(self) -> None:
        with self._wake:
            self._wake.notify()

    def _wait_s(self) -> float:
        now = time.monotonic()
        dues = [now + _REPORT_EVERY_S, self._alive_due, *(held.due for held in self._held.values())]
        self._wake_at = min(dues)
        return max(0.0, self._wake_at - now)

    def _unless_busy(self, held: HeldTrial, write: Callable[[HeldTrial], None]) -> None:
        """Write something; skip if the slot is already writing, so renewals are not delayed."""
        if held.writing.acquire(blocking=False):
            try:
                write(held)
            finally:
                held.writing.release()

    def _write_when_free(self, held: HeldTrial) -> None:
        with held.writing:
            self._write(held)

    def _write(self, held: HeldTrial) -> None:
        batch = [held.reports.popleft() for _ in range(len(held.reports))]
        if not batch:
            return
        try:
            if held.judge is None:
                self._store.report(held.trial, batch)
            else:
                rungs, verdict = held.judge.rungs, held.judge.verdict
                self._store.report(held.trial, batch, rungs=rungs, verdict=verdict)
        except LeaseLostError:
            _renew_now(held)
        except HpsearchError as error:
            log.warning(
                "%d reports of trial %s were not stored: %s",
                len(batch),
                held.trial.id,
                error,
                extra=Event.REPORTS_NOT_STORED.about(held.trial, n_reports=len(batch)),
            )

    def _store_output(self, held: HeldTrial) -> None:
        """Store the output so far, for those who follow a running trial; called right after a renewal.

        Attachments are not fenced as a result is: the trial may belong to a re-created search by now.
        """
        output = held.output
        if held.has_ended or output is held.stored_output:
            return
        held.stored_output = output
        try:
            trial = held.trial
            self._store.attach(trial.exp_key, OUTPUT_NAME, output, tid=trial.tid, attempt=trial.attempt)
        except HpsearchError as error:
            log.debug(
                "the output of %s was not stored: %s",
                held.trial.id,
                error,
                extra=Event.OUTPUT_NOT_STORED.about(held.trial),
            )

    def _renew(self, held: HeldTrial) -> bool:
        """Renew a lease; return whether the trial is certainly still held."""
        held.due = time.monotonic() + _renew_after_s(held.trial)
        try:
            held.lease = self._store.renew(held.trial)
        except HpsearchError as error:
            # Only an answer proves that a lease is lost. This is no answer, so the evaluation goes on.
            log.debug(
                "renewal of %s failed: %s",
                held.trial.id,
                error,
                extra=Event.RENEWAL_FAILED.about(held.trial),
            )
            return False
        return held.lease is LeaseStatus.HELD

    def _update_registry(self) -> None:
        try:
            self._store.record_worker(self._describe(), ALIVE_FOR_S)
        except HpsearchError as error:
            log.debug("registry update failed: %s", error, extra=Event.SIGN_OF_LIFE_FAILED.of())
        finally:
            self._alive_due = time.monotonic() + ALIVE_EVERY_S


@contextmanager
def _errors_logged() -> Iterator[None]:
    """Log an unexpected error and go on: without this thread, all leases would expire."""
    try:
        yield
    except Exception:
        log.exception("a heartbeat step failed; continuing", extra=Event.HEARTBEAT_FAILED.of())


def _renew_now(held: HeldTrial) -> None:
    """Renew a lease at once, to learn whether it is lost or the trial was cancelled."""
    held.due = 0.0


def _renew_after_s(trial: Trial) -> float:
    return min(trial.lease_s / RENEWALS_PER_LEASE, RENEW_WITHIN_S)
