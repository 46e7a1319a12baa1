"""Claim, evaluate, finish: what each slot of a worker does until it should leave."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from hpsearch.core.experiment import Code, Experiment
from hpsearch.core.trial import Failure, FailureKind, Result, Trial
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
from hpsearch.store.rules import Content
from hpsearch_worker.directory import Directory
from hpsearch_worker.evaluator import Evaluator, Stop, StoppedError, Watch
from hpsearch_worker.fair_share import FairShare
from hpsearch_worker.heartbeat import Heartbeat, Held
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.tally import Outcome, Tally

log = logging.getLogger(__name__)

#: Waits between two looks at an empty queue, in seconds: the first, and their growth.
_FIRST_WAIT_S, _WAIT_GROWTH = 0.1, 1.5

#: The first wait after a trial, in seconds: that it ended may be what the next one was waiting for. Some six
#: looks a trial come of that, while waits are shorter than the first one elsewhere.
_WAIT_AFTER_TRIAL_S = 0.01

#: The longest wait, in seconds: of a small fleet, for each worker, and of the largest one.
_LONGEST_WAIT_S, _WAIT_S_PER_WORKER, _LONGEST_WAIT_EVER_S = 1.5, 0.01, 10.0

#: The least wait after a look, as a multiple of what the look took, so that a server which is slow
#: today is asked less often, instead of becoming slower still.
_WAITS_PER_LOOK = 20

#: Seconds after which it is told that an objective is still being loaded. There is no limit: an import may
#: fetch data, and one that hangs on a file system that is away goes on once that is back.
_LONG_LOADING_S = 60.0

#: Attachments that cannot be stored which are named.
_MOST_PROBLEMS = 20

#: Looks at an empty queue that a worker in burst mode takes before it leaves.
_BURST_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a worker leaves by itself, and how long a trial may take."""

    is_burst: bool = False  #: leave when there is nothing more to do
    max_idle_s: float | None = None  #: leave after so many seconds without a trial
    max_consecutive_failures: int | None = None  #: leave after so many failed trials in a row
    trial_timeout_s: float | None = None  #: overrides the experiment's


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place for a trial; the parts but the evaluator are shared by all slots of a worker."""

    store: TrialStore
    evaluator: Evaluator
    directory: Directory
    heartbeat: Heartbeat
    tally: Tally
    shutdown: Shutdown
    limits: Limits
    fair_share: FairShare = field(default_factory=lambda: FairShare(random.Random()))  # noqa: S311 - no secret
    watchdog: Watchdog = field(default_factory=Watchdog)  #: beats with each step, also within an evaluation
    known: set[Code] = field(default_factory=set)  #: experiments that were met so far, by their code

    def work(self) -> None:
        """Take trials until the worker should leave; what makes it leave is kept in ``shutdown``."""
        try:
            self._take_trials()
        except (StoreUnavailableError, StorePermissionError) as error:
            if isinstance(error, StorePermissionError) and not self.shutdown.is_draining():
                self.shutdown.drain(error)
                return
            # The store's patience ends only once the worker is to leave.
            log.warning("leaving without the database: %s", error, extra=Event.LEFT_WITHOUT_DATABASE.of())
            self.shutdown.drain()
        except Exception as error:  # noqa: BLE001 - a slot's end must end the worker, with its reason
            self.shutdown.drain(error)
        finally:
            self.evaluator.close()

    def _take_trials(self) -> None:
        wait_s, n_looks = _FIRST_WAIT_S, 0
        while not self.shutdown.is_draining():
            self.watchdog.beat()
            if not self.tally.may_take():
                return
            looked_at = time.monotonic()
            trial, experiment = self._claim()
            if trial is not None and experiment is not None and self._run(trial, experiment):
                wait_s, n_looks = _WAIT_AFTER_TRIAL_S, 0
                continue
            self.tally.give_back()
            n_looks += 1
            if self._should_leave(n_looks):
                return
            pause_s = self._pause(wait_s, time.monotonic() - looked_at)
            self.shutdown.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            wait_s = min(wait_s * _WAIT_GROWTH, _LONGEST_WAIT_EVER_S)

    def _pause(self, wait_s: float, look_s: float) -> float:
        """Return the seconds to wait after a look; right after a trial the fleet's size does not count."""
        if wait_s < _FIRST_WAIT_S:
            return max(wait_s, look_s)
        return max(min(wait_s, longest_wait(self.store.n_workers())), least_wait(look_s))

    def _should_leave(self, n_looks: int) -> bool:
        if self.limits.max_idle_s is not None and self.tally.idle_s() >= self.limits.max_idle_s:
            return True
        return self.limits.is_burst and n_looks >= _BURST_LOOKS and self.directory.is_exhausted()

    def _claim(self) -> tuple[Trial | None, Experiment | None]:
        """Take a trial of an experiment that can be evaluated here: loaded first, claimed then."""
        experiments = self.directory.running()
        self._renew_for(experiments.values())
        for experiment in experiments.values():
            try:
                self.evaluator.prepare(experiment, self._loading(experiment))
            except (LoadError, SpaceError) as problem:
                self.directory.refuse(experiment, problem)
                return None, None
            except StoppedError:
                return None, None
        if not experiments:
            return None, None
        with self.fair_share.turn(experiments.values()) as turn, self.tally.claiming.timed():
            trial = self.store.claim(self.tally.worker(), uuid4().hex, turn.exp_keys)
            turn.taken_from = None if trial is None else trial.exp_key
        if trial is None or self._is_made_anew(trial, experiments[trial.exp_key]):
            return None, None
        return trial, experiments[trial.exp_key]

    def _renew_for(self, experiments: Collection[Experiment]) -> None:
        """Start over if one is new: its code may be newer than what a warm process has loaded."""
        new = {experiment.code for experiment in experiments} - self.known
        if new:
            self.evaluator.close()
            self.known.update(new)

    def _is_made_anew(self, trial: Trial, known: Experiment) -> bool:
        """Whether the claimed trial is of another experiment under the name; gives it back then.

        What an old coordinator left in a new experiment counts as a trial of that one.
        """
        if trial.exp_created_at in {None, known.created_at}:
            return False
        present = self.directory.running(anew=True).get(trial.exp_key)
        if present is not None and present.identity == known.identity:
            return False
        with suppress(LeaseLostError):  # deleted once more
            self._stopped(trial, Stop.MADE_ANEW)
        return True

    def _run(self, trial: Trial, experiment: Experiment) -> bool:
        """Evaluate a claimed trial and say what came of it; return whether it was begun."""
        outcome: Outcome | None = None
        self.tally.begin()
        try:
            with self.heartbeat.holding(trial) as held:
                outcome = self._evaluate(trial, experiment, held)
        except LeaseLostError as lost:
            outcome = Outcome.LOST
            log.warning("%s", lost, extra=Event.LEASE_LOST.about(trial))
        finally:
            self.tally.end(outcome)
        limit = self.limits.max_consecutive_failures
        if limit is not None and self.tally.n_consecutive_failures >= limit:
            text = f"{limit} trials in a row failed on this worker; it leaves, since the next may fail too."
            raise TooManyFailuresError(text)
        return outcome is not Outcome.NOT_BEGUN

    def _evaluate(self, trial: Trial, experiment: Experiment, held: Held) -> Outcome:
        try:
            # Before the state is read: an evaluating process that has died since the claim loads for minutes.
            self.evaluator.prepare(experiment, self._watch(held))
            if not self._is_running(experiment):
                return self._stopped(trial, Stop.NOT_RUNNING)
            log.debug(
                "trial %s begins, attempt %d", trial.id, trial.attempt, extra=Event.TRIAL_BEGUN.about(trial)
            )
            watch = self._watch(held, self.limits.trial_timeout_s or experiment.defaults.trial_timeout_s)
            result = self.evaluator.evaluate(trial, experiment, watch, held.on_event)
        except StoppedError as stopped:
            return self._stopped(trial, stopped.why)
        except (LoadError, SpaceError) as problem:
            outcome = self._stopped(trial, Stop.UNLOADABLE)
            self.directory.refuse(experiment, problem)
            return outcome
        self.tally.evaluating.add(result.duration_s)
        self.heartbeat.write_reports(held)  # a finished trial takes no more of them
        result = self._with_attachments(held, result)
        with self.tally.finishing.timed():
            self._finish(trial, result)
        _log_result(trial, result)
        return Outcome.FAILED if result.loss is None else Outcome.DONE

    def _is_running(self, experiment: Experiment) -> bool:
        """Whether the experiment of a claimed trial still runs, with the code that was loaded.

        What is known of the experiment may be seconds old, or minutes, if something was loaded meanwhile.
        """
        if self.store.is_running(experiment):
            return True
        self.directory.running(anew=True)
        return False

    def _stopped(self, trial: Trial, why: Stop) -> Outcome:
        log.info("trial %s was stopped: %s", trial.id, why, extra=Event.TRIAL_STOPPED.about(trial, why=why))
        if why in {Stop.DRAINED, Stop.UNLOADABLE, Stop.MADE_ANEW}:
            self.store.release(trial, why)
            return Outcome.RELEASED
        if why is Stop.NOT_RUNNING:
            self.store.unclaim(trial)
            return Outcome.NOT_BEGUN
        return Outcome.CANCELLED if why is Stop.CANCELLED else Outcome.LOST

    def _with_attachments(self, held: Held, result: Result) -> Result:
        """Store what the evaluation attached, before the trial is finished; tell what could not be."""
        trial, contents = held.trial, held.attachments
        if not contents:
            return result
        # No attachment is fenced as a result is; the last renewal may be seconds old.
        if self.store.renew(trial) is not LeaseStatus.HELD:
            raise LeaseLostError(trial.id)
        try:
            self.store.attach_all(trial.exp_key, contents, tid=trial.tid, attempt=trial.attempt)
        except StoreUnavailableError:
            raise
        except StoreError:
            return result.telling(self._attached_one_by_one(trial, contents))
        return result

    def _attached_one_by_one(self, trial: Trial, contents: Mapping[str, Content]) -> list[str]:
        """Store attachments of which some cannot be; return a sentence for each of those, up to a number."""
        problems = []
        for name, data in contents.items():
            try:
                self.store.attach(trial.exp_key, name, data, tid=trial.tid, attempt=trial.attempt)
            except StoreUnavailableError:
                raise
            except StoreError as refusal:
                problems.append(f"The attachment {name!r} could not be stored: {refusal}")
        if len(problems) > _MOST_PROBLEMS:
            n_more = len(problems) - _MOST_PROBLEMS
            problems[_MOST_PROBLEMS:] = [f"{n_more} other attachments could not be stored either."]
        return problems

    def _finish(self, trial: Trial, result: Result) -> None:
        """Write the result; if the store cannot hold all of it, the loss and the reason."""
        try:
            self.store.finish(trial, result)
        except (LeaseLostError, StorePermissionError, StoreUnavailableError):
            raise
        except StoreError as refusal:
            failure = Failure(
                kind=FailureKind.UNSTORABLE, message=f"The result could not be stored: {refusal}"
            )
            kept = {} if result.loss is None else {"loss": result.loss}
            error = result.error if result.loss is None and result.error else failure
            self.store.finish(
                trial, Result(loss=result.loss, result=kept, error=error, duration_s=result.duration_s)
            )

    def _loading(self, experiment: Experiment) -> Watch:
        """Return what decides whether loading goes on: for as long as it takes, but not without a word."""
        tell_at = time.monotonic() + _LONG_LOADING_S

        def watch() -> Stop | None:
            nonlocal tell_at
            self.watchdog.beat()
            if time.monotonic() >= tell_at:
                tell_at = float("inf")
                log.warning(
                    "loading %s takes long; this worker waits for it, and takes no trial",
                    experiment.objective.ref,
                    extra=Event.LOADING.of(exp_key=experiment.exp_key),
                )
            return Stop.DRAINED if self.shutdown.is_draining() else None

        return watch

    def _watch(self, held: Held, timeout_s: float | None = None) -> Watch:
        """Return what decides, several times a second, whether the evaluation goes on."""
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s

        def watch() -> Stop | None:
            self.watchdog.beat()
            if held.hold is LeaseStatus.CANCELLED:
                return Stop.CANCELLED
            if held.hold is LeaseStatus.LOST:
                return Stop.LOST
            if self.shutdown.is_time_up():
                return Stop.DRAINED
            return Stop.TIMEOUT if time.monotonic() >= deadline else None

        return watch


def longest_wait(n_workers: int) -> float:
    """Return the longest time between two looks of an idle worker at an empty queue, in seconds.

    A fleet of hundreds looks 100 times a second, up to a thousand workers: enough for a new trial to
    find somebody within milliseconds, and little enough for the server to have time for those at work.
    """
    return min(max(_LONGEST_WAIT_S, _WAIT_S_PER_WORKER * n_workers), _LONGEST_WAIT_EVER_S)


def least_wait(look_s: float) -> float:
    """Return the shortest time to wait after a look that took ``look_s`` seconds."""
    return min(_WAITS_PER_LOOK * look_s, _LONGEST_WAIT_EVER_S)


def _log_result(trial: Trial, result: Result) -> None:
    if result.loss is not None:
        log.info(
            "trial %s done: loss %.6g in %.2f s",
            trial.id,
            result.loss,
            result.duration_s,
            extra=Event.TRIAL_DONE.about(trial, loss=result.loss, duration_s=result.duration_s),
        )
    elif result.error is not None:
        log.info(
            "trial %s failed: %s: %s",
            trial.id,
            result.error.kind,
            result.error.message[:200],
            extra=Event.TRIAL_FAILED.about(trial, kind=result.error.kind, duration_s=result.duration_s),
        )
