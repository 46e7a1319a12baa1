"""The coordinator: reads finished trials, plans, suggests and inserts new ones.

All state of a search is in the store. A coordinator loads it when it becomes the leader, and each ``tick``
updates its copy, so it can be killed at any time and another one continues.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from hpsearch.coordination import plan
from hpsearch.coordination.election import Candidate
from hpsearch.coordination.fleet_view import FleetView
from hpsearch.coordination.forecast import Outlook, is_worth_going_on
from hpsearch.coordination.lease_expiry import LeaseExpiry
from hpsearch.coordination.outcome_rules import is_reached
from hpsearch.coordination.progress import Progress
from hpsearch.coordination.pruning import CurveReader
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

#: Seconds without any open trial in the store after which the open trials count as deleted; far longer than
#: a result takes to become visible here.
_DELETED_AFTER_S = 10.0


class Coordinator:
    """Leads one experiment, or waits as standby while another coordinator leads it.

    Parameters
    ----------
    store : TrialStore
        Holds the experiment.
    experiment : Experiment
        As ``store.open_experiment`` returned it.
    clock : callable
        Monotonic seconds.
    space : Space, optional
        The space with which the experiment was opened; by default the stored one, in which references are
        text.
    suggester : Suggester, optional
        Replaces the algorithm of the experiment.
    min_pending : int
        Trials to keep in the queue even if the workers need fewer.
    queue_depth : int, optional
        Trials to keep in the queue, whatever the workers need.
    lag_alone : int, optional
        Lag while a single worker serves an experiment without a lag. The search then depends only on the
        seed, and not on how long trials take.
    start_grace_s : float
        Seconds that do not count towards the timeout while no worker has taken a trial.
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
        min_pending: int = 0,
        queue_depth: int | None = None,
        lag_alone: int | None = None,
        start_grace_s: float = 0.0,
        insert: Callable[[list[Trial]], list[Trial]] | None = None,
    ) -> None:
        self._store = store
        self._insert_into_store = insert or self._insert_all
        self._clock = clock
        self._space = space or Space.from_json(experiment.space)
        self._batches = SuggestionBatches(experiment, self._space, suggester, clock)
        self._min_pending, self._lag_alone = min_pending, lag_alone
        self._queue_depth = queue_depth
        self._candidate = Candidate(store, experiment.exp_key, clock, start_grace_s)
        self._trial_state = TrialState(self._space, outcomes=experiment.outcomes)
        self._curves = CurveReader(store, experiment, clock)
        self._rate = FinishRate(clock)
        self._suggest_s = 0.0
        self._had_open_at = 0.0  # when the store last had a pending or running trial
        self._n_pending = self._n_running = self._n_suggested = self._queue_target = 0
        self._lag = Durations(clock=clock)
        self._revision = experiment.revision  # of the experiment whose trials were read
        self._is_behind = False  # whether the queue needs more than the last batch
        self._counts, self._counts_due = dict[State, int](), 0.0
        self._outlook = Outlook()
        self._fleet_view = FleetView(store, experiment, clock)
        self._lease_expiry = LeaseExpiry(store, self._fleet_view, clock)

    @property
    def exp_key(self) -> str:
        """The experiment's name."""
        return self._experiment.exp_key

    def tick(self) -> Progress:
        """Do one round: lead, read, expire, suggest; return the progress of the search."""
        self._lease_expiry.note_contact()
        self._fleet_view.refresh_if_due()
        if not self._leads():
            return self._standby_progress()
        if self._experiment.revision != self._revision:
            self._reload(f"Trials of {self.exp_key} were marked or added by a command.")
        self._read_finished()
        if self._trial_state.lag is not None and not self.is_over():
            self._suggest()  # first: it needs no counts, and workers may be waiting
        self._count_open()
        self._reload_if_deleted()
        if not self.is_over():
            self._lease_expiry.expire_if_due()
            if self._trial_state.lag is None:
                self._suggest()
        self._lease_expiry.note_contact()
        return self._progress()

    def stats(self) -> Stats:
        """Return the measurements of this process; needs no store, and may be called from any thread."""
        return Stats(
            is_leader=self._candidate.epoch is not None,
            queue_target=self._queue_target,
            n_suggested=self._n_suggested,
            n_expired=self._lease_expiry.n_expired,
            suggesting=self._batches.durations.counted(),
            lag=self._lag.counted(),
        )

    def is_over(self) -> bool:
        """Whether this process leads, and a limit has ended the search."""
        return self._candidate.epoch is not None and self._end_reason() is not None

    def wait(self) -> None:
        """Sleep until a trial changed or the next poll is due."""
        if self._is_behind:
            return
        # Changes come in bursts; a minimum wait reads a burst at once.
        time.sleep(plan.min_poll(len(self._trial_state.open), self._trial_state.lag))
        self._store.wait_for_change(self.exp_key, self._poll_s())

    def wind_down(
        self,
        grace_s: float,
        is_interrupted: Callable[[], bool] = lambda: False,
        reason: plan.EndReason | None = None,
    ) -> Progress:
        """End the search: cancel pending trials, wait for running ones, then cancel them.

        A standby, or a leader that loses the leadership meanwhile, ends nothing.

        Parameters
        ----------
        grace_s : float
            Seconds that running trials may take.
        is_interrupted : callable
            Whether to cancel running trials now.
        reason : EndReason, optional
            Why the search ends; by default, the limit that was reached.
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
        """As last read."""
        return self._fleet_view.experiment

    # Leadership

    def _leads(self) -> bool:
        """Renew or bid for the leadership; on winning it, load the trials."""
        before = self._candidate.epoch
        if not self._candidate.leads(self._experiment.started_at):
            return False
        if self._candidate.epoch != before and not self._candidate.was_last_leader:
            self._rate = FinishRate(self._clock)
            self._load()
        return True

    def _leads_still(self, epoch: int | None) -> bool:
        """Whether this process still leads in the same epoch."""
        return self._leads() and self._candidate.epoch == epoch

    def _load(self) -> None:
        self._revision = self._experiment.revision  # as read before the trials
        points, outcomes = self._store.points(self.exp_key), self._experiment.outcomes
        self._trial_state = TrialState(self._space, points, self._wanted_lag(), outcomes)
        self._curves = CurveReader(self._store, self._experiment, self._clock)
        self._curves.load()
        self._store.sweep_checkpoints(self.exp_key)  # the last leader may have died before it did
        self._trial_state.standing.best = self._full_trial(self._trial_state.best)
        self._trial_state.last_failure = self._full_trial(self._trial_state.last_failure)
        self._batches.has_points, self._had_open_at = True, self._clock()
        n_finished, n_open = self._trial_state.n_finished, len(self._trial_state.open)
        log.info(
            "leading %s: %d trials finished, %d open",
            self.exp_key,
            n_finished,
            n_open,
            extra=Event.LEADING.of(exp_key=self.exp_key, n_finished=n_finished, n_open=n_open),
        )
        if n_outside := self._trial_state.n_outside_space:
            log.warning(
                "%d trials of %s have values outside its space; suggestions ignore them",
                n_outside,
                self.exp_key,
                extra=Event.STRANGE_TRIALS.of(exp_key=self.exp_key, n_trials=n_outside),
            )

    def _reload(self, why: str) -> None:
        """Load all trials again, because another process has changed them."""
        log.warning("%s Reloading the experiment.", why, extra=Event.REREAD.of(exp_key=self.exp_key))
        self._load()

    def _full_trial(self, trial: Trial | None) -> Trial | None:
        """Load the full trial; the copy in memory has only the fields needed for learning."""
        if trial is None:
            return None
        try:
            return self._store.trial(self.exp_key, trial.tid)
        except UnreadableError:  # one of the other fields was altered
            return trial

    # Reading

    def _read_finished(self) -> None:
        final = self._store.finished(self.exp_key, self._trial_state.open)
        self._trial_state.add_final(final)
        if with_checkpoints := [trial.tid for trial in final if trial.checkpoint is not None]:
            # Their workers may have died before they did, or the trials were cancelled.
            self._store.sweep_checkpoints(self.exp_key, with_checkpoints)
        self._curves.read(final, self._trial_state.open)
        if (forecasts := self._curves.publish(self._candidate.token)) is not None:
            self._trial_state.set_forecasts(forecasts)
        if n_finished := sum(trial.state in FINISHED for trial in final):
            self._candidate.note_trial()
        self._rate.add(n_finished)
        now = self._fleet_view.now()
        for trial in final:
            if trial.finished_at is not None:
                self._lag.add(max(0.0, (now - trial.finished_at).total_seconds()))

    def _count_open(self) -> None:
        counts = self._store.counts(self.exp_key, {State.PENDING, State.RUNNING})
        self._n_pending, self._n_running = counts[State.PENDING], counts[State.RUNNING]
        if self._n_running:
            self._candidate.note_trial()

    def _reload_if_deleted(self) -> None:
        """Reload if every open trial has disappeared: they were deleted."""
        now = self._clock()
        if not self._trial_state.open or self._n_pending or self._n_running:
            self._had_open_at = now
        elif now - self._had_open_at >= _DELETED_AFTER_S:
            self._reload(f"{len(self._trial_state.open)} open trials of {self.exp_key} were deleted.")

    def _end_reason(self) -> plan.EndReason | None:
        best_loss = None if self._trial_state.best is None else self._trial_state.best.loss
        return plan.end_reason(
            self._experiment.budget,
            self._trial_state.n_finished,
            best_loss,
            self._elapsed_s(),
            is_reached=is_reached(self._experiment, self._trial_state.standing),
            is_stopped=self._experiment.state is ExperimentState.STOPPED,
            is_exhausted=not self._batches.has_points and not self._trial_state.open,
            is_worth=self._is_worth(),
            n_steps=self._curves.n_steps,
        )

    def _is_worth(self) -> bool:
        """Whether an hour more may bring what the user wants of it; not judged while paused."""
        least_gain = self._experiment.budget.until_worth
        if least_gain is None or self._experiment.state is not ExperimentState.RUNNING:
            return True
        found = self._outlook.forecast(self._trial_state.counted_losses)
        return is_worth_going_on(found, self._rate.per_hour(), least_gain)

    def _elapsed_s(self) -> float:
        return self._candidate.elapsed_s(self._experiment.started_at)

    # Suggesting

    def _suggest(self) -> None:
        """Fill the queue to the number of trials that the workers need."""
        started = self._clock()
        self._is_behind = False
        self._queue_target = self._wanted_depth()
        n_new = plan.n_to_suggest(
            self._experiment.budget,
            self._queue_target,
            n_pending=self._n_pending,
            n_finished=self._trial_state.n_finished,
            n_open=len(self._trial_state.open),
        )
        n_new = min(n_new, plan.MAX_BATCH)
        if n_new == 0 or self._experiment.state is not ExperimentState.RUNNING:
            return
        if not (trials := self._batches.propose(self._experiment, self._trial_state, n_new)):
            return
        self._insert(trials)
        self._suggest_s = self._clock() - started
        self._is_behind = n_new == plan.MAX_BATCH

    def _wanted_depth(self) -> int:
        """Return how many trials should wait in the queue now."""
        n_within_lag = self._n_within_lag()
        if n_within_lag is not None:  # all that the lag allows: waiting would give none a longer history
            return self._n_pending + n_within_lag
        if self._queue_depth is not None:
            return self._queue_depth
        return plan.queue_depth(
            n_free=self._fleet_view.n_free(self._n_running),
            reserve=plan.reserve_for(self._rate.per_s(), self._cycle_s()),
            min_pending=self._min_pending,
        )

    def _wanted_lag(self) -> int | None:
        """Return the present lag; None if suggestions learn from every finished trial."""
        is_alone = self._experiment.lag is None and plan.is_alone(self._fleet_view.workers)
        return self._lag_alone if is_alone else self._experiment.lag

    def _n_within_lag(self) -> int | None:
        """Return how many trials the lag allows now; None without a lag."""
        lag = self._wanted_lag()
        if lag != self._trial_state.lag:
            self._trial_state.set_lag(lag)
        if lag is None:
            return None
        return plan.n_within_lag(self._trial_state.next_tid, self._trial_state.first_open, lag)

    def _insert(self, trials: list[Trial]) -> None:
        # Suggesting may have taken longer than the lease, and another coordinator may have led meanwhile.
        if not self._leads_still(self._candidate.epoch):
            return
        # A search that was paused or deleted meanwhile must get no more trials.
        self._fleet_view.refresh_experiment()
        if self._experiment.state is not ExperimentState.RUNNING:
            if self._trial_state.lag is not None:
                self._load()  # with a lag, these trials must be suggested again from the same history
            return
        try:
            trials = self._insert_into_store(trials)
        except TrialExistsError as error:
            self._reload(str(error))
            return
        self._trial_state.add_open(trials)
        self._n_pending += len(trials)
        self._n_suggested += len(trials)

    def _insert_all(self, trials: list[Trial]) -> list[Trial]:
        self._store.insert(trials)
        return trials

    # Progress

    def _all_counts(self) -> Mapping[State, int]:
        """Return how many trials are in each state; may be stale for very large searches."""
        if (asked_at := self._clock()) >= self._counts_due:
            self._counts = dict(self._store.counts(self.exp_key))
            self._counts_due = asked_at + plan.pause_after(self._clock() - asked_at)
        return self._counts

    def _poll_s(self) -> float:
        """Return the seconds until the next poll; far less than a lease, so that gaps in contact are seen."""
        is_leader, n_open = self._candidate.epoch is not None, len(self._trial_state.open)
        wanted = plan.poll_after(self._rate.per_s(), n_open) if is_leader else plan.MAX_POLL_S
        return min(wanted, self._experiment.defaults.lease_s / 8)

    def _cycle_s(self) -> float:
        """Return the longest time between two polls, in seconds, including the suggestions."""
        return plan.min_poll(len(self._trial_state.open)) + self._poll_s() + self._suggest_s

    def _progress(self) -> Progress:
        return Progress(
            experiment=self._experiment,
            counts={
                State.PENDING: self._n_pending,
                State.RUNNING: self._n_running,
                **self._trial_state.n_final,
            },
            n_invalid=self._trial_state.n_invalid,
            best=self._trial_state.best,
            front=self._trial_state.standing.front,
            least_violated=self._trial_state.standing.least_violated,
            workers=self._fleet_view.workers,
            n_left_idle=self._fleet_view.n_left_idle,
            last_failure=self._trial_state.last_failure,
            per_minute=60 * self._rate.per_s() or None,
            forecast=self._outlook.forecast(self._trial_state.counted_losses),
            elapsed_s=self._elapsed_s(),
        )

    def _standby_progress(self) -> Progress:
        return Progress(
            experiment=self._experiment,
            counts=self._all_counts(),
            n_invalid=self._store.n_invalid(self.exp_key),
            best=next(self._store.trials(self.exp_key, sort="loss", limit=1), None),
            workers=self._fleet_view.workers,
            n_left_idle=self._fleet_view.n_left_idle,
            elapsed_s=self._experiment.elapsed_s(self._fleet_view.now()),
            is_standby=True,
        )
