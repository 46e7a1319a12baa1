"""The coordinator: read what finished, plan, suggest, insert.

All state of a search is in the store. What a coordinator holds in memory is derived
from there when it becomes the leader and brought up to date by each ``tick``, so that it
can be killed at any instant and another goes on.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import uuid4

from hpsearch import plan
from hpsearch.blas import single_threaded
from hpsearch.errors import (
    ConfigurationError,
    NotFoundError,
    SpaceExhaustedError,
    TrialExistsError,
    UnreadableError,
)
from hpsearch.events import Event
from hpsearch.experiment import SCRIPTED, Experiment, ExperimentState
from hpsearch.fleet import Worker, has_left_idle, is_alive
from hpsearch.health.durations import Durations
from hpsearch.health.vitals import Vitals
from hpsearch.ledger import Ledger
from hpsearch.progress import Progress
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.once import EachOnce
from hpsearch.suggest.protocol import Suggester, trial_rng
from hpsearch.trial import FINISHED, State, Trial

log = logging.getLogger(__name__)

#: Seconds that leadership holds without a renewal; a standby takes over after that.
LEADER_LEASE_S = 10.0

#: Seconds between two looks at what changes slowly: the experiment, the workers, the store's clock.
#: A fleet of thousands, which takes long to read, is looked at less often.
_REFRESH_S, _MAX_REFRESH_S = 0.5, 5.0

#: Seconds between two looks for leases that are over; with the waits of coordinator and workers below five.
_EXPIRE_EVERY_S = 2.0

#: Finished trials, and seconds, over which the rate is measured at least: large fleets finish many at once.
_RATE_TRIALS, _LEAST_RATE_WINDOW_S = 50, 1.0

#: Seconds after which finished trials are forgotten for the rate, and how many are remembered at most.
_RATE_WINDOW_S, _MAX_RATE_TRIALS = 300.0, 5000


class Coordinator:
    """Leads one experiment, or waits as standby for the one that does.

    Parameters
    ----------
    store : TrialStore
        Where the experiment lives.
    experiment : Experiment
        As ``store.open_experiment`` returned it.
    clock : callable
        Monotonic seconds, for everything that is measured on this machine.
    suggester : Suggester, optional
        One for the experiment's space, instead of what its algorithm names.
    least_pending : int
        Trials that are kept waiting in the queue, however few the workers need.

    Raises
    ------
    ConfigurationError
        If only the script that began the experiment can suggest its trials.
    """

    def __init__(
        self,
        store: TrialStore,
        experiment: Experiment,
        clock: Callable[[], float] = time.monotonic,
        *,
        suggester: Suggester | None = None,
        least_pending: int = 0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._experiment = experiment
        self._space = Space.from_json(experiment.space)
        self._suggester = suggester or _suggester_of(experiment, self._space)
        self._least_pending = least_pending
        self._has_points = True  # whether the suggester had any when it was last asked
        self._token = uuid4().hex
        self._epoch: int | None = None  # of this process's leadership; None as standby
        self._lead_until = 0.0  # this machine's clock; certain up to here
        self._ledger = Ledger(self._space)
        self._workers: tuple[Worker, ...] = ()
        self._n_left_idle = 0
        self._n_pending = self._n_running = 0
        self._finish_times: deque[float] = deque(maxlen=_MAX_RATE_TRIALS)
        self._leading_since = clock()
        self._contact_since = self._contact_at = clock()
        self._expired_at = self._suggest_s = 0.0
        self._n_suggested = self._n_expired = self._queue_target = 0
        self._suggesting, self._lag = Durations(clock=clock), Durations(clock=clock)
        self._is_behind = False  # whether the queue needs more than the last batch
        self._counts, self._counts_due = dict[State, int](), 0.0
        self._refresh()

    @property
    def exp_key(self) -> str:
        """The experiment's name."""
        return self._experiment.exp_key

    def tick(self) -> Progress:
        """Do one round: lead, read, expire, suggest. Returns how far the search has come."""
        self._note_contact()
        if self._clock() >= self._refresh_due:
            self._refresh()
        if not self._leads():
            return self._standby_progress()
        self._read_finished()
        self._count_open()
        if not self.is_over():
            self._expire()
            self._suggest()
        self._note_contact()
        return self._progress()

    def vitals(self) -> Vitals:
        """Return what this process measured of itself; asks nothing, and may be called from any thread."""
        return Vitals(
            is_leader=self._epoch is not None,
            queue_target=self._queue_target,
            n_suggested=self._n_suggested,
            n_expired=self._n_expired,
            suggesting=self._suggesting.counted(),
            lag=self._lag.counted(),
        )

    def is_over(self) -> bool:
        """Whether this process leads, and a limit has ended the search."""
        return self._epoch is not None and self._end_reason() is not None

    def wait(self) -> None:
        """Sleep until the next tick is worth while: a trial changed, or some time passed."""
        if self._is_behind:
            return
        # Changes come in bursts; a floor between two looks takes them in together.
        time.sleep(plan.least_poll(len(self._ledger.open)))
        self._store.wait_for_change(self.exp_key, self._poll_s())

    def wind_down(
        self,
        grace_s: float,
        is_interrupted: Callable[[], bool] = lambda: False,
        reason: plan.EndReason | None = None,
    ) -> Progress:
        """End the search: cancel what waits, give what runs ``grace_s`` seconds, cancel the rest.

        The reason is the limit that was reached, unless another is given. A standby ends nothing,
        nor does a leader that lost the leadership meanwhile: the search goes on without it.
        """
        epoch, reason = self._epoch, reason or self._end_reason()
        if epoch is None or not self._leads() or self._epoch != epoch:
            return self._standby_progress()
        deadline = self._clock() + grace_s
        self._store.cancel(self.exp_key, {State.PENDING})
        self._count_open()
        while self._n_running and self._clock() < deadline and not is_interrupted():
            self._store.wait_for_change(self.exp_key, 0.2)
            if not self._leads() or self._epoch != epoch:
                return self._standby_progress()
            self._read_finished()
            self._count_open()
        self._store.cancel(self.exp_key, {State.PENDING, State.RUNNING})
        self._read_finished()
        is_stopped = reason is plan.EndReason.STOPPED
        state = ExperimentState.STOPPED if is_stopped else ExperimentState.DONE
        self._store.set_experiment_state(self.exp_key, state, reason, leader=self._token)
        self._refresh()
        self._count_open()
        return self._progress()

    def resign(self) -> None:
        """Let a standby take over at once."""
        self._store.resign(self.exp_key, self._token)

    # Leadership

    def _leads(self) -> bool:
        """Renew or bid for the leadership; on taking it, load everything anew."""
        asked_at = self._clock()
        if asked_at < self._lead_until - LEADER_LEASE_S / 2:
            return True
        bid = self._store.lead(self.exp_key, self._token, LEADER_LEASE_S)
        if not bid.is_mine:
            if self._epoch is not None:
                log.warning(
                    "leadership of %s was lost to another coordinator",
                    self.exp_key,
                    extra=Event.LEADERSHIP_LOST.of(exp_key=self.exp_key),
                )
            self._epoch, self._lead_until = None, 0.0
            return False
        # Counted from before the question, so that it ends here before it ends in the store.
        self._lead_until = asked_at + LEADER_LEASE_S
        if bid.epoch != self._epoch:
            self._epoch = bid.epoch
            self._leading_since = asked_at
            self._load()
        return True

    def _load(self) -> None:
        self._ledger = Ledger(self._space, self._store.points(self.exp_key))
        self._ledger.best = self._whole(self._ledger.best)
        self._ledger.last_failure = self._whole(self._ledger.last_failure)
        self._has_points = True
        n_finished, n_open = self._ledger.n_finished, len(self._ledger.open)
        log.info(
            "leading %s: %d trials finished, %d open",
            self.exp_key,
            n_finished,
            n_open,
            extra=Event.LEADING.of(exp_key=self.exp_key, n_finished=n_finished, n_open=n_open),
        )
        if self._ledger.n_strange:
            log.warning(
                "%d trials of %s have values that are no point of its space: no suggestion learns from them",
                self._ledger.n_strange,
                self.exp_key,
                extra=Event.STRANGE_TRIALS.of(exp_key=self.exp_key, n_trials=self._ledger.n_strange),
            )

    def _whole(self, trial: Trial | None) -> Trial | None:
        """Return a trial with all that is shown of it, which is more than is learned from it."""
        if trial is None:
            return None
        try:
            return self._store.trial(self.exp_key, trial.tid)
        except UnreadableError:  # somebody altered a part of it that nobody learns from
            return trial

    # Reading

    def _refresh(self) -> None:
        """Look at what changes slowly.

        Raises
        ------
        NotFoundError
            If the experiment was deleted, even if there is another under its name by now.
        """
        asked_at = self._clock()
        experiment = self._store.experiment(self.exp_key)
        if experiment.identity != self._experiment.identity:
            raise NotFoundError(
                f"The experiment {self.exp_key!r} was deleted, and there is another under its name now; "
                "start this command again to take part in that one."
            )
        self._experiment = experiment
        self._now_at_refresh, self._refreshed_at = self._store.now(), self._clock()
        serving = [w for w in self._store.workers() if w.serves(self.exp_key)]
        self._workers = tuple(w for w in serving if is_alive(w, self._now_at_refresh))
        self._n_left_idle = sum(has_left_idle(w, self._experiment.started_at) for w in serving)
        cost_s = self._clock() - asked_at
        self._refresh_due = asked_at + max(_REFRESH_S, min(plan.pause_after(cost_s), _MAX_REFRESH_S))

    def _now(self) -> datetime:
        """Return the store's time, as far as it can be told without asking."""
        return self._now_at_refresh + timedelta(seconds=self._clock() - self._refreshed_at)

    def _read_finished(self) -> None:
        final = self._store.finished(self.exp_key, self._ledger.open)
        self._ledger.add_final(final)
        self._finish_times.extend(self._clock() for t in final if t.state in FINISHED)
        now = self._now()
        for trial in final:
            if trial.finished_at is not None:
                self._lag.add(max(0.0, (now - trial.finished_at).total_seconds()))

    def _count_open(self) -> None:
        counts = self._store.counts(self.exp_key, {State.PENDING, State.RUNNING})
        self._n_pending, self._n_running = counts[State.PENDING], counts[State.RUNNING]

    def _end_reason(self) -> plan.EndReason | None:
        best_loss = None if self._ledger.best is None else self._ledger.best.loss
        return plan.end_reason(
            self._experiment,
            self._ledger.n_finished,
            best_loss,
            self._now(),
            is_exhausted=not self._has_points and not self._ledger.open,
        )

    def _note_contact(self) -> None:
        """Start the time of unbroken contact anew after a gap: an outage, or this process stood still."""
        now = self._clock()
        if now - self._contact_at > self._experiment.defaults.lease_s / 4:
            self._contact_since = now
        self._contact_at = now

    # Acting

    def _expire(self) -> None:
        self._note_contact()  # the calls before this one may have waited out an outage
        now, lease_s = self._clock(), self._experiment.defaults.lease_s
        is_due = now - self._expired_at >= min(_EXPIRE_EVERY_S, lease_s / 4)
        if not is_due or not plan.may_expire(now - self._contact_since, lease_s):
            return
        self._expired_at = now
        n_expired = self._store.expire(self.exp_key)
        self._n_expired += n_expired
        if n_expired:
            log.warning(
                "%d trials of %s lost their worker",
                n_expired,
                self.exp_key,
                extra=Event.LEASES_EXPIRED.of(exp_key=self.exp_key, n_trials=n_expired),
            )

    def _suggest(self) -> None:
        """Fill the queue to the depth that the workers need."""
        started = self._clock()
        needs = {
            "n_free": sum(w.slots for w in self._workers) - self._n_running,
            "reserve": plan.reserve_for(self._rate_per_s(), self._cycle_s()),
            "least": self._least_pending,
        }
        self._is_behind = False
        self._queue_target = plan.queue_depth(**needs)
        n_new = plan.n_to_suggest(
            self._experiment,
            n_finished=self._ledger.n_finished,
            n_open=len(self._ledger.open),
            n_pending=self._n_pending,
            **needs,
        )
        if n_new == 0:
            return
        tids = range(self._ledger.next_tid, self._ledger.next_tid + n_new)
        rngs = [trial_rng(self._experiment.seed, tid) for tid in tids]
        try:
            with single_threaded(), self._suggesting.timed():
                suggestions = self._suggester.suggest(self._ledger.history, self._ledger.pending, rngs)
        except SpaceExhaustedError:
            self._has_points = False
            return
        self._has_points = True
        defaults = self._experiment.defaults
        self._insert(
            [
                Trial(
                    exp_key=self.exp_key,
                    tid=tid,
                    values=suggestion.values,
                    params=self._space.params(suggestion.values),
                    origin=suggestion.origin,
                    max_attempts=defaults.max_attempts,
                    lease_s=defaults.lease_s,
                )
                for tid, suggestion in zip(tids, suggestions, strict=False)  # fewer when there are no more
            ]
        )
        self._suggest_s = self._clock() - started
        self._is_behind = n_new == plan.MAX_BATCH

    def _insert(self, trials: list[Trial]) -> None:
        epoch = self._epoch
        # Thinking may have taken longer than the lease: another may lead, or may have led meanwhile.
        if not self._leads() or self._epoch != epoch:
            return
        try:
            self._store.insert(trials)
        except TrialExistsError as error:
            # Somebody else wrote there: what this process believes is out of date.
            log.warning("%s Reading the experiment anew.", error, extra=Event.REREAD.of(exp_key=self.exp_key))
            self._load()
            return
        self._ledger.add_open(trials)
        self._n_pending += len(trials)
        self._n_suggested += len(trials)

    # Telling

    def _all_counts(self) -> Mapping[State, int]:
        """Return how many trials are in each state; of millions, as they were a while ago."""
        asked_at = self._clock()
        if asked_at >= self._counts_due:
            self._counts = dict(self._store.counts(self.exp_key))
            self._counts_due = asked_at + plan.pause_after(self._clock() - asked_at)
        return self._counts

    def _poll_s(self) -> float:
        """Return the seconds until the next look; short against a lease, so that a gap in contact is seen."""
        n_open = len(self._ledger.open)
        wanted = plan.MAX_POLL_S if self._epoch is None else plan.poll_after(self._rate_per_s(), n_open)
        return min(wanted, self._experiment.defaults.lease_s / 8)

    def _cycle_s(self) -> float:
        """Return the longest time between two looks, in seconds, with the suggestions in between."""
        return plan.least_poll(len(self._ledger.open)) + self._poll_s() + self._suggest_s

    def _rate_per_s(self) -> float:
        """Finished trials per second of late; of few trials, since this process began to lead."""
        now, times = self._clock(), self._finish_times
        since = max(self._leading_since, now - _RATE_WINDOW_S)
        if len(times) >= _RATE_TRIALS:
            since = max(since, min(times[-_RATE_TRIALS], now - _LEAST_RATE_WINDOW_S))
        if len(times) == _MAX_RATE_TRIALS:
            since = max(since, times[0])
        n = sum(1 for _ in takewhile(lambda finished_at: finished_at > since, reversed(times)))
        return n / max(now - since, plan.MIN_POLL_S)

    def _progress(self) -> Progress:
        now, started_at = self._now(), self._experiment.started_at
        return Progress(
            experiment=self._experiment,
            counts={
                State.PENDING: self._n_pending,
                State.RUNNING: self._n_running,
                **self._ledger.n_final,
            },
            best=self._ledger.best,
            workers=self._workers,
            n_left_idle=self._n_left_idle,
            last_failure=self._ledger.last_failure,
            per_minute=60 * self._rate_per_s() or None,
            elapsed_s=(now - started_at).total_seconds() if started_at else 0.0,
        )

    def _standby_progress(self) -> Progress:
        return Progress(
            experiment=self._experiment,
            counts=self._all_counts(),
            best=next(self._store.trials(self.exp_key, sort="loss", limit=1), None),
            workers=self._workers,
            n_left_idle=self._n_left_idle,
            is_standby=True,
        )


def _suggester_of(experiment: Experiment, space: Space) -> Suggester:
    """Return the suggester that an experiment names, if it is one that every coordinator has."""
    if experiment.algorithm.name == SCRIPTED:
        function = experiment.algorithm.options.get("function", "a function of its own")
        raise ConfigurationError(
            f"The trials of {experiment.exp_key!r} are suggested by {function} in the script that began it; "
            "run that script again to go on."
        )
    suggester = make_suggester(experiment.algorithm, space)
    return EachOnce(suggester, space) if experiment.budget.no_repeats else suggester
