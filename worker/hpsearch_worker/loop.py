"""What each slot of a worker does until the worker stops: claim, evaluate, finish."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from hpsearch.core.experiment import Code, Experiment, PruneMode
from hpsearch.core.trial import Result, State, Trial
from hpsearch.errors import (
    LeaseLostError,
    LoadError,
    SpaceError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    TooManyFailuresError,
)
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch_worker.evaluator import Evaluator, StopCheck, StoppedError, StopReason
from hpsearch_worker.fair_share import FairShare
from hpsearch_worker.heartbeat import Heartbeat, HeldTrial
from hpsearch_worker.results import store_attachments, store_result
from hpsearch_worker.served_experiments import ServedExperiments
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.trial_counts import Outcome, Tally

log = logging.getLogger(__name__)

#: Wait after the first poll of an empty queue, in seconds, and its growth with each further poll.
_FIRST_WAIT_S, _WAIT_GROWTH = 0.1, 1.5

#: Wait after the first poll that follows a trial, in seconds: the end of that trial often leads to the next
#: one. This adds some six polls a trial.
_WAIT_AFTER_TRIAL_S = 0.01

#: The longest wait, in seconds: of a small fleet, for each worker, and of any fleet.
_MAX_WAIT_S, _MAX_WAIT_S_PER_WORKER, _MAX_WAIT_EVER_S = 1.5, 0.01, 10.0

#: The shortest wait as a multiple of the duration of the poll, so that a slow server is polled less often.
_WAITS_PER_POLL = 20

#: Seconds that a draining worker waits for a checkpoint that is being stored.
_SAVE_WITHIN_S = 10.0

#: Polls of an empty queue that a worker in burst mode makes before it leaves.
_BURST_POLLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a worker leaves without a signal, and how long a trial may take."""

    is_burst: bool = False  #: leave when no more work can be expected
    max_idle_s: float | None = None  #: leave after this many seconds without a trial
    max_consecutive_failures: int | None = None  #: leave after this many failed trials in a row
    trial_timeout_s: float | None = None  #: overrides the experiment's


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Evaluates one trial at a time; all slots of a worker share every part except the evaluator."""

    store: TrialStore
    evaluator: Evaluator
    served: ServedExperiments
    heartbeat: Heartbeat
    tally: Tally
    shutdown: Shutdown
    limits: Limits
    fair_share: FairShare = field(default_factory=lambda: FairShare(random.Random()))  # noqa: S311 - no secret
    watchdog: Watchdog = field(default_factory=Watchdog)  #: beats with each step, also within an evaluation
    seen_codes: set[Code] = field(default_factory=set)  #: code of the experiments met so far
    #: Seconds of loading until a warning. There is no limit: an import may fetch data, and one that hangs on
    #: a lost network file system continues once that is back.
    loading_warning_s: float = 60.0

    def work(self) -> None:
        """Take trials until the worker should stop; the reason is kept in ``shutdown``."""
        try:
            self._take_trials()
        except (StoreUnavailableError, StorePermissionError) as error:
            if isinstance(error, StorePermissionError) and not self.shutdown.is_draining():
                self.shutdown.drain(error)
                return
            # The store's patience ends only when the worker is to stop.
            log.warning("leaving without the database: %s", error, extra=Event.LEFT_WITHOUT_DATABASE.of())
            self.shutdown.drain()
        except Exception as error:  # noqa: BLE001 - an error in one slot stops the worker
            self.shutdown.drain(error)
        finally:
            self.evaluator.close()

    def _take_trials(self) -> None:
        wait_s, n_polls = _FIRST_WAIT_S, 0
        while not self.shutdown.is_draining():
            self.watchdog.beat()
            if not self.tally.reserve_trial():
                return
            polled_at = time.monotonic()
            claimed = self._claim()
            if claimed is not None and self._run(*claimed):
                wait_s, n_polls = _WAIT_AFTER_TRIAL_S, 0
                continue
            self.tally.return_reservation()
            n_polls += 1
            if self._should_leave(n_polls):
                return
            pause_s = self._pause(wait_s, time.monotonic() - polled_at)
            self.shutdown.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            wait_s = min(wait_s * _WAIT_GROWTH, _MAX_WAIT_EVER_S)

    def _pause(self, wait_s: float, poll_s: float) -> float:
        """Return the seconds to wait after a poll; right after a trial, the size of the fleet is ignored."""
        if wait_s < _FIRST_WAIT_S:
            return max(wait_s, poll_s)
        return max(min(wait_s, max_wait(self.store.n_workers())), min_wait(poll_s))

    def _should_leave(self, n_polls: int) -> bool:
        if self.limits.max_idle_s is not None and self.tally.idle_s() >= self.limits.max_idle_s:
            return True
        return self.limits.is_burst and n_polls >= _BURST_POLLS and self.served.is_exhausted()

    def _claim(self) -> tuple[Trial, Experiment] | None:
        """Claim a trial of an experiment that is loaded here."""
        experiments = self.served.running()
        self._restart_evaluator_for(experiments.values())
        for experiment in experiments.values():
            try:
                self.evaluator.prepare(experiment, self._loading_check(experiment))
            except (LoadError, SpaceError) as problem:
                self.served.refuse(experiment, problem)
                return None
            except StoppedError:
                return None
        if not experiments:
            return None
        with self.fair_share.claiming(experiments.values()) as order, self.tally.claiming.timed():
            trial = self.store.claim(self.tally.worker(), uuid4().hex, order.exp_keys)
            order.claimed_from = None if trial is None else trial.exp_key
        if trial is None or self._is_replaced(trial, experiments[trial.exp_key]):
            return None
        return trial, experiments[trial.exp_key]

    def _restart_evaluator_for(self, experiments: Collection[Experiment]) -> None:
        """Close the evaluator if an experiment is new: its code may be newer than the loaded modules."""
        new = {experiment.code for experiment in experiments} - self.seen_codes
        if new:
            self.evaluator.close()
            self.seen_codes.update(new)

    def _is_replaced(self, trial: Trial, known: Experiment) -> bool:
        """Whether the claimed trial belongs to a re-created experiment of the same name; gives it back then.

        A trial that an old coordinator left in a re-created experiment counts as one of that experiment.
        """
        if trial.exp_created_at in {None, known.created_at}:
            return False
        present = self.served.running(refresh=True).get(trial.exp_key)
        if present is not None and present.identity == known.identity:
            return False
        with suppress(LeaseLostError):  # it was deleted again
            self._stopped(trial, StopReason.REPLACED)
        return True

    def _run(self, trial: Trial, experiment: Experiment) -> bool:
        """Evaluate a claimed trial and record its outcome; return whether the evaluation began."""
        outcome: Outcome | None = None
        self.tally.begin()
        try:
            with self.heartbeat.holding(trial, experiment.goal, experiment.pruner) as held:
                outcome = self._evaluate(trial, experiment, held)
        except LeaseLostError as lost:
            outcome = Outcome.LOST
            log.warning("%s", lost, extra=Event.LEASE_LOST.about(trial))
        finally:
            self.tally.end(outcome)
        limit = self.limits.max_consecutive_failures
        if limit is not None and self.tally.n_consecutive_failures >= limit:
            raise TooManyFailuresError(
                f"{limit} trials in a row failed on this worker; it stops, since the next may fail, too."
            )
        return outcome is not Outcome.NOT_BEGUN

    def _evaluate(self, trial: Trial, experiment: Experiment, held: HeldTrial) -> Outcome:
        try:
            # Before the state is read: if the evaluating process died since the claim, this may take minutes.
            self.evaluator.prepare(experiment, self._stop_check(held))
            if not self._is_running(experiment):
                return self._stopped(trial, StopReason.NOT_RUNNING)
            log.debug(
                "trial %s begins, attempt %d", trial.id, trial.attempt, extra=Event.TRIAL_BEGUN.about(trial)
            )
            self.heartbeat.refresh_policy(held)
            timeout_s = self.limits.trial_timeout_s or experiment.defaults.trial_timeout_s
            is_killed = experiment.pruner.mode is PruneMode.KILL
            stop_check = self._stop_check(held, timeout_s, is_killed=is_killed)
            result = self._result(trial, experiment, held, stop_check)
        except StoppedError as stopped:
            if stopped.why is StopReason.DRAINED:
                held.checkpoints.wait(_SAVE_WITHIN_S)  # another worker goes on from there
            return self._stopped(trial, stopped.why)
        except (LoadError, SpaceError) as problem:
            outcome = self._stopped(trial, StopReason.UNLOADABLE)
            self.served.refuse(experiment, problem)
            return outcome
        self.tally.evaluating.add(result.duration_s)
        self.heartbeat.write_reports(held)  # a finished trial accepts no more reports
        result = store_attachments(self.store, trial, held.attachments, result, held.output)
        with self.tally.finishing.timed():
            store_result(self.store, trial, result)
        if held.checkpoints.has_files:
            self._sweep_checkpoints(trial)
        _log_result(trial, result)
        return Outcome(result.state)

    def _result(self, trial: Trial, experiment: Experiment, held: HeldTrial, stop_check: StopCheck) -> Result:
        """Return the result of an evaluation; raises as ``Evaluator.evaluate`` does."""
        started = time.monotonic()
        try:
            return self.evaluator.evaluate(trial, experiment, stop_check, held.on_event)
        except StoppedError as stopped:
            reason = None if held.judge is None else held.judge.stop_reason
            if stopped.why is not StopReason.PRUNED or reason is None:
                raise
            return Result(loss=None, pruned=reason, duration_s=time.monotonic() - started)

    def _sweep_checkpoints(self, trial: Trial) -> None:
        """Delete the checkpoints of a finished trial; if that fails, its coordinator does."""
        try:
            self.store.sweep_checkpoints(trial.exp_key, [trial.tid])
        except StoreError as error:
            log.debug("%s", error, extra=Event.CHECKPOINT_FAILED.about(trial, error=str(error)))

    def _is_running(self, experiment: Experiment) -> bool:
        """Whether the experiment of a claimed trial still runs with the loaded code.

        The list of experiments may be seconds old, or minutes if something was loaded meanwhile.
        """
        if self.store.is_running(experiment):
            return True
        self.served.running(refresh=True)
        return False

    def _stopped(self, trial: Trial, why: StopReason) -> Outcome:
        log.info("trial %s was stopped: %s", trial.id, why, extra=Event.TRIAL_STOPPED.about(trial, why=why))
        if why in {StopReason.DRAINED, StopReason.UNLOADABLE, StopReason.REPLACED}:
            self.store.release(trial, why)
            return Outcome.RELEASED
        if why is StopReason.NOT_RUNNING:
            self.store.unclaim(trial)
            return Outcome.NOT_BEGUN
        return Outcome.CANCELLED if why is StopReason.CANCELLED else Outcome.LOST

    def _loading_check(self, experiment: Experiment) -> StopCheck:
        """Return the stop check for loading: no time limit, one warning."""
        warn_at = time.monotonic() + self.loading_warning_s

        def should_stop() -> StopReason | None:
            nonlocal warn_at
            self.watchdog.beat()
            if time.monotonic() >= warn_at:
                warn_at = float("inf")
                log.warning(
                    "still loading %s; not claiming trials until it finishes",
                    experiment.objective.ref,
                    extra=Event.LOADING.of(exp_key=experiment.exp_key),
                )
            return StopReason.DRAINED if self.shutdown.is_draining() else None

        return should_stop

    def _stop_check(
        self, held: HeldTrial, timeout_s: float | None = None, *, is_killed: bool = False
    ) -> StopCheck:
        """Return the stop check for an evaluation.

        Parameters
        ----------
        held : HeldTrial
            The trial.
        timeout_s : float, optional
            Seconds that it may take.
        is_killed : bool
            Whether it is ended if it ignores a verdict.
        """
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s

        def should_stop() -> StopReason | None:
            self.watchdog.beat()
            if held.lease is LeaseStatus.CANCELLED:
                return StopReason.CANCELLED
            if held.lease is LeaseStatus.LOST:
                return StopReason.LOST
            if self.shutdown.is_time_up():
                return StopReason.DRAINED
            if is_killed and held.judge is not None and held.judge.is_ignored():
                return StopReason.PRUNED
            return StopReason.TIMEOUT if time.monotonic() >= deadline else None

        return should_stop


def max_wait(n_workers: int) -> float:
    """Return the longest time between two polls of an idle worker, in seconds.

    A fleet of hundreds polls 100 times a second in all, up to a thousand workers: often enough that a new
    trial is claimed within milliseconds, and seldom enough that the server has time for busy workers.
    """
    return min(max(_MAX_WAIT_S, _MAX_WAIT_S_PER_WORKER * n_workers), _MAX_WAIT_EVER_S)


def min_wait(poll_s: float) -> float:
    """Return the shortest time to wait after a poll that took ``poll_s`` seconds."""
    return min(_WAITS_PER_POLL * poll_s, _MAX_WAIT_EVER_S)


def _log_result(trial: Trial, result: Result) -> None:
    if result.pruned is not None:
        log.info(
            "trial %s pruned: %s",
            trial.id,
            result.pruned,
            extra=Event.TRIAL_PRUNED.about(trial, why=result.pruned, duration_s=result.duration_s),
        )
    elif result.state is State.DONE:
        found = {"loss": result.loss} if result.losses is None else dict(result.losses)
        log.info(
            "trial %s done: %s in %.2f s",
            trial.id,
            ", ".join(f"{name} {loss:.6g}" for name, loss in found.items()),
            result.duration_s,
            extra=Event.TRIAL_DONE.about(
                trial, loss=result.loss, losses=result.losses, duration_s=result.duration_s
            ),
        )
    elif result.error is not None:
        log.info(
            "trial %s failed: %s: %s",
            trial.id,
            result.error.kind,
            result.error.message[:200],
            extra=Event.TRIAL_FAILED.about(trial, kind=result.error.kind, duration_s=result.duration_s),
        )
