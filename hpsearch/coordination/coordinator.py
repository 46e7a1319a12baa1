"""The coordinator: read what finished, plan, suggest, insert.

All state of a search is in the store. What a coordinator holds in memory is derived
from there when it becomes the leader and brought up to date by each ``tick``, so that it
can be killed at any instant and another goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from hpsearch.coordination import plan
from hpsearch.coordination.election import Candidate
from hpsearch.coordination.fleet_view import FleetView
from hpsearch.coordination.progress import Progress
from hpsearch.coordination.suggestion_batch import SuggestionBatches
from hpsearch.coordination.throughput import FinishRate
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.errors import TrialExistsError, UnreadableError
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.durations import Durations
from hpsearch.runtime.health.stats import Stats
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.protocol import Suggester

log = logging.getLogger(__name__)

#: Seconds between two looks for leases that are over; with the waits of coordinator and workers below five.
_EXPIRE_EVERY_S = 2.0

#: Seconds that a result may take from being written to being safe, and read; far longer than it does.
_GONE_AFTER_S = 10.0


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
    space : Space, optional
        The caller's own, which the experiment was opened with; by default the stored one, with what
        it refers to as text.
    suggester : Suggester, optional
        One for the experiment's space, instead of what its algorithm names.
    least_pending : int
        Trials that are kept waiting in the queue, however few the workers need.
    lag_alone : int, optional
        The lag of an experiment that has none of its own, while one worker serves it: with it, one worker
        makes the same search of the same seed however long trials take.
    insert : callable, optional
        Inserts new trials, instead of ``store.insert``, and returns those that it inserted.

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
        space: Space | None = None,
        suggester: Suggester | None = None,
        least_pending: int = 0,
        lag_alone: int | None = None,
        insert: Callable[[list[Trial]], list[Trial]] | None = None,
    ) -> None:
        self._store = store
        self._insert_into_store = insert or self._insert_all
        self._clock = clock
        self._space = space or Space.from_json(experiment.space)
        self._batches = SuggestionBatches(experiment, self._space, suggester, clock)
        self._least_pending, self._lag_alone = least_pending, lag_alone
        self._candidate = Candidate(store, experiment.exp_key, clock)
        self._trial_state = TrialState(self._space)
        self._n_pending = self._n_running = 0
        self._rate = FinishRate(clock)
        self._contact_since = self._contact_at = clock()
        self._expired_at = self._suggest_s = 0.0
        self._had_open_at = 0.0  # when the store last had a trial of those that are held for open
        self._n_suggested = self._n_expired = self._queue_target = 0
        self._lag = Durations(clock=clock)
        self._is_behind = False  # whether the queue needs more than the last batch
        self._counts, self._counts_due = dict[State, int](), 0.0
        self._fleet_view = FleetView(store, experiment, clock)

    @property
    def exp_key(self) -> str:
        """The experiment's name."""
        return self._experiment.exp_key

    def tick(self) -> Progress:
        """Do one round: lead, read, expire, suggest. Returns how far the search has come."""
        self._note_contact()
        self._fleet_view.refresh_if_due()
        if not self._leads():
            return self._standby_progress()
        self._read_finished()
        if self._trial_state.lag is not None and not self.is_over():
            self._suggest()  # first, since it needs no counts, and workers may be waiting for it
        self._count_open()
        self._reread_what_is_gone()
        if not self.is_over():
            self._expire()
            if self._trial_state.lag is None:
                self._suggest()
        self._note_contact()
        return self._progress()

    def stats(self) -> Stats:
        """Return what this process measured of itself; asks nothing, and may be called from any thread."""
        return Stats(
            is_leader=self._candidate.epoch is not None,
            queue_target=self._queue_target,
            n_suggested=self._n_suggested,
            n_expired=self._n_expired,
            suggesting=self._batches.durations.counted(),
            lag=self._lag.counted(),
        )

    def is_over(self) -> bool:
        """Whether this process leads, and a limit has ended the search."""
        return self._candidate.epoch is not None and self._end_reason() is not None

    def wait(self) -> None:
        """Sleep until the next tick is worth while: a trial changed, or some time passed."""
        if self._is_behind:
            return
        # Changes come in bursts; a floor between two looks takes them in together.
        time.sleep(plan.least_poll(len(self._trial_state.open), self._trial_state.lag))
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
        epoch, reason = self._candidate.epoch, reason or self._end_reason()
        if epoch is None or not self._leads_still(epoch):
            return self._standby_progress()
        deadline = self._clock() + grace_s
        self._store.cancel(self.exp_key, {State.PENDING})
        self._count_open()
        while self._n_running and self._clock() < deadline and not is_interrupted():
            self._store.wait_for_change(self.exp_key, 0.2)
            if not self._leads_still(epoch):
                return self._standby_progress()
            self._read_finished()
            self._count_open()
        self._store.cancel(self.exp_key, {State.PENDING, State.RUNNING})
        self._read_finished()
        is_stopped = reason is plan.EndReason.STOPPED
        state = ExperimentState.STOPPED if is_stopped else ExperimentState.DONE
        self._store.set_experiment_state(self.exp_key, state, reason, leader=self._candidate.token)
        self._fleet_view.refresh()
        self._count_open()
        return self._progress()

    def resign(self) -> None:
        """Let a standby take over at once."""
        self._candidate.resign()

    @property
    def _experiment(self) -> Experiment:
        """As it is now, as far as is known."""
        return self._fleet_view.experiment

    # Leadership

    def _leads(self) -> bool:
        """Renew or bid for the leadership; on taking it, load everything anew."""
        before = self._candidate.epoch
        if not self._candidate.leads(self._experiment.started_at):
            return False
        if self._candidate.epoch != before:
            self._rate.start()
            self._load()
        return True

    def _leads_still(self, epoch: int | None) -> bool:
        """Whether this process leads, and nobody else did since that epoch began."""
        return self._leads() and self._candidate.epoch == epoch

    def _load(self) -> None:
        self._trial_state = TrialState(self._space, self._store.points(self.exp_key), self._wanted_lag())
        self._trial_state.best = self._whole(self._trial_state.best)
        self._trial_state.last_failure = self._whole(self._trial_state.last_failure)
        self._batches.has_points, self._had_open_at = True, self._clock()
        n_finished, n_open = self._trial_state.n_finished, len(self._trial_state.open)
        log.info(
            "leading %s: %d trials finished, %d open",
            self.exp_key,
            n_finished,
            n_open,
            extra=Event.LEADING.of(exp_key=self.exp_key, n_finished=n_finished, n_open=n_open),
        )
        if self._trial_state.n_strange:
            log.warning(
                "%d trials of %s have values that are no point of its space: no suggestion learns from them",
                self._trial_state.n_strange,
                self.exp_key,
                extra=Event.STRANGE_TRIALS.of(exp_key=self.exp_key, n_trials=self._trial_state.n_strange),
            )

    def _reread(self, why: str) -> None:
        """Load everything anew: somebody else wrote there, and what this process believes is out of date."""
        log.warning("%s Reading the experiment anew.", why, extra=Event.REREAD.of(exp_key=self.exp_key))
        self._load()

    def _whole(self, trial: Trial | None) -> Trial | None:
        """Return a trial with all that is shown of it, which is more than is learned from it."""
        if trial is None:
            return None
        try:
            return self._store.trial(self.exp_key, trial.tid)
        except UnreadableError:  # somebody altered a part of it that nobody learns from
            return trial

    # Reading

    def _read_finished(self) -> None:
        final = self._store.finished(self.exp_key, self._trial_state.open)
        self._trial_state.add_final(final)
        self._rate.add(sum(trial.state in FINISHED for trial in final))
        now = self._fleet_view.now()
        for trial in final:
            if trial.finished_at is not None:
                self._lag.add(max(0.0, (now - trial.finished_at).total_seconds()))

    def _count_open(self) -> None:
        counts = self._store.counts(self.exp_key, {State.PENDING, State.RUNNING})
        self._n_pending, self._n_running = counts[State.PENDING], counts[State.RUNNING]

    def _reread_what_is_gone(self) -> None:
        """Read all anew once no open trial has been there for a while: somebody deleted them."""
        now = self._clock()
        if not self._trial_state.open or self._n_pending or self._n_running:
            self._had_open_at = now
        elif now - self._had_open_at >= _GONE_AFTER_S:
            self._reread(f"{len(self._trial_state.open)} open trials of {self.exp_key} are gone.")

    def _end_reason(self) -> plan.EndReason | None:
        best_loss = None if self._trial_state.best is None else self._trial_state.best.loss
        return plan.end_reason(
            self._experiment,
            self._trial_state.n_finished,
            best_loss,
            self._elapsed_s(),
            is_exhausted=not self._batches.has_points and not self._trial_state.open,
        )

    def _elapsed_s(self) -> float:
        return self._candidate.elapsed_s(self._experiment.started_at)

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
        if now - self._expired_at < min(_EXPIRE_EVERY_S, lease_s / 4):
            return
        self._expired_at = now
        self._fleet_view.read_clock()  # when it jumps forwards, all leases look expired
        self._shorten_leases()  # and when it is set back, none does
        since = max(self._contact_since, self._fleet_view.steady_since)
        if not plan.may_expire(self._clock() - since, lease_s):
            return
        n_expired = self._store.expire(self.exp_key)
        self._n_expired += n_expired
        if n_expired:
            log.warning(
                "%d trials of %s lost their worker",
                n_expired,
                self.exp_key,
                extra=Event.LEASES_EXPIRED.of(exp_key=self.exp_key, n_trials=n_expired),
            )

    def _shorten_leases(self) -> None:
        n_shortened = self._store.shorten_leases(self.exp_key)
        if n_shortened:
            log.warning(
                "the clock of MongoDB was set back: %d leases of %s count from now",
                n_shortened,
                self.exp_key,
                extra=Event.LEASES_SHORTENED.of(exp_key=self.exp_key, n_trials=n_shortened),
            )

    def _suggest(self) -> None:
        """Fill the queue to the depth that the workers need."""
        started = self._clock()
        needs = {
            "n_free": self._fleet_view.n_free(self._n_running),
            "reserve": plan.reserve_for(self._rate.per_s(), self._cycle_s()),
            "least": self._least_pending,
        }
        self._is_behind = False
        most = self._n_within_lag()
        self._queue_target = plan.queue_depth(**needs) if most is None else self._n_pending + most
        n_new = plan.n_to_suggest(
            self._experiment,
            n_finished=self._trial_state.n_finished,
            n_open=len(self._trial_state.open),
            n_pending=self._n_pending,
            most=most,
            **needs,
        )
        if n_new == 0:
            return
        trials = self._batches.propose(self._experiment, self._trial_state, n_new)
        if not trials:
            return
        self._insert(trials)
        self._suggest_s = self._clock() - started
        self._is_behind = n_new == plan.MAX_BATCH

    def _wanted_lag(self) -> int | None:
        """Return the lag that holds at the moment, None where suggestions learn from whatever has ended."""
        own = self._experiment.lag
        return self._lag_alone if own is None and plan.is_alone(self._fleet_view.workers) else own

    def _n_within_lag(self) -> int | None:
        """Return how many trials the lag lets through now, None without one."""
        lag = self._wanted_lag()
        if lag != self._trial_state.lag:
            self._trial_state.set_lag(lag)
        if lag is None:
            return None
        return plan.n_within_lag(self._trial_state.next_tid, self._trial_state.first_open, lag)

    def _insert(self, trials: list[Trial]) -> None:
        # Thinking may have taken longer than the lease: another may lead, or may have led meanwhile.
        if not self._leads_still(self._candidate.epoch):
            return
        # And who deletes or pauses a search means from now on; what is inserted after that stays behind.
        self._fleet_view.refresh_experiment()
        if self._experiment.state is not ExperimentState.RUNNING:
            if self._trial_state.lag is not None:
                self._load()  # with a lag, these trials must be suggested again from what they were now
            return
        try:
            trials = self._insert_into_store(trials)
        except TrialExistsError as error:
            self._reread(str(error))
            return
        self._trial_state.add_open(trials)
        self._n_pending += len(trials)
        self._n_suggested += len(trials)

    def _insert_all(self, trials: list[Trial]) -> list[Trial]:
        self._store.insert(trials)
        return trials

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
        is_leader, n_open = self._candidate.epoch is not None, len(self._trial_state.open)
        wanted = plan.poll_after(self._rate.per_s(), n_open) if is_leader else plan.MAX_POLL_S
        return min(wanted, self._experiment.defaults.lease_s / 8)

    def _cycle_s(self) -> float:
        """Return the longest time between two looks, in seconds, with the suggestions in between."""
        return plan.least_poll(len(self._trial_state.open)) + self._poll_s() + self._suggest_s

    def _progress(self) -> Progress:
        return Progress(
            experiment=self._experiment,
            counts={
                State.PENDING: self._n_pending,
                State.RUNNING: self._n_running,
                **self._trial_state.n_final,
            },
            best=self._trial_state.best,
            workers=self._fleet_view.workers,
            n_left_idle=self._fleet_view.n_left_idle,
            last_failure=self._trial_state.last_failure,
            per_minute=60 * self._rate.per_s() or None,
            elapsed_s=self._elapsed_s(),
        )

    def _standby_progress(self) -> Progress:
        return Progress(
            experiment=self._experiment,
            counts=self._all_counts(),
            best=next(self._store.trials(self.exp_key, sort="loss", limit=1), None),
            workers=self._fleet_view.workers,
            n_left_idle=self._fleet_view.n_left_idle,
            elapsed_s=self._experiment.elapsed_s(self._fleet_view.now()),
            is_standby=True,
        )
