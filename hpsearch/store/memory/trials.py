"""The trials of one experiment in memory, and their state changes as new values."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from hpsearch.core.stopping.curve import RungValue
from hpsearch.core.trial import FINISHED, Ended, Failure, FailureKind, Report, State, Trial
from hpsearch.store.documents.trial import LEASE_EXPIRED
from hpsearch.store.protocol import RECENT_TRIALS, TrialSummary

V = TypeVar("V", Report, RungValue)

_HELD = {State.RUNNING, State.PENDING}


@dataclass(slots=True)
class MemoryTrials:
    """The trials of one experiment, with indexes for the queue and the counts."""

    trials: dict[int, Trial] = field(default_factory=dict)  #: by tid
    by_state: dict[State, set[int]] = field(default_factory=lambda: {state: set() for state in State})
    queue: list[tuple[int, int]] = field(
        default_factory=list
    )  #: heap; may contain trials that are no longer pending
    invalid: set[int] = field(default_factory=set)  #: numbers of the trials with a mark
    n_changes: int = 0

    def put(self, trial: Trial) -> None:
        """Add a trial, or replace it."""
        present = self.trials.get(trial.tid)
        if present is not None:
            self.by_state[present.state].discard(trial.tid)
        self.by_state[trial.state].add(trial.tid)
        self.trials[trial.tid] = trial
        (self.invalid.discard if trial.invalid is None else self.invalid.add)(trial.tid)
        self.n_changes += 1
        if trial.state is State.PENDING:
            heapq.heappush(self.queue, queue_place(trial))

    def n_valid(self, state: State) -> int:
        """Return how many trials are in a state, without those with a mark."""
        return len(self.by_state[state]) - len(self.by_state[state] & self.invalid)

    def next_pending(self) -> Trial | None:
        """Return the next trial to claim, None if none is pending."""
        while self.queue:
            trial = self.trials[self.queue[0][1]]
            if trial.state is State.PENDING:
                return trial
            heapq.heappop(self.queue)
        return None

    def summary(self) -> TrialSummary:
        """Return the trials in numbers."""
        newest = ordered(list(self.trials.values()), "newest")[:RECENT_TRIALS]
        times = [trial.finished_at for trial in newest if trial.state in FINISHED and trial.finished_at]
        best = next(iter(ordered([t for t in self.trials.values() if t.state is State.DONE], "loss")), None)
        return TrialSummary(
            counts={state: self.n_valid(state) for state in State},
            n_invalid=len(self.invalid),
            best=best and replace(best.point(), params=best.params),
            n_recent=len(times),
            recent_since=min(times, default=None),
            recent_until=max(times, default=None),
        )


def queue_place(trial: Trial) -> tuple[int, int]:
    """Return the sort key of the queue."""
    return -trial.priority, trial.tid


def is_same_claim(present: Trial, claimed: Trial) -> bool:
    """Whether the stored trial has the token and the attempt of a claim.

    Parameters
    ----------
    present : Trial
        The stored trial.
    claimed : Trial
        The trial as the claim returned it.
    """
    return present.owner == claimed.owner and present.attempt == claimed.attempt


def is_held(present: Trial, claimed: Trial) -> bool:
    """Whether a claim is still valid: even an expired one is, until another worker claims the trial.

    Parameters
    ----------
    present : Trial
        The stored trial.
    claimed : Trial
        The trial as the claim returned it.
    """
    return present.state in _HELD and is_same_claim(present, claimed)


def resumed(trial: Trial) -> Trial:
    """Return a held trial as running, even if its lease has expired."""
    return trial if trial.state is State.RUNNING else trial.moved(State.RUNNING)


def requeued(trial: Trial, now: datetime, why: str, *, owner: str | None) -> Trial:
    """Return a trial as pending again, with its attempt added to the history.

    Parameters
    ----------
    trial : Trial
        A running trial.
    now : datetime
        The store's time.
    why : str
        Why the attempt ended.
    owner : str, optional
        Token that may still finish the trial until the next claim.
    """
    name = trial.worker.name if trial.worker else None
    step = None if trial.checkpoint is None else trial.checkpoint.step
    ended = Ended(attempt=trial.attempt, worker=name, ended_at=now, why=why, step=step)
    history = (*trial.history, ended)
    return replace(trial, state=State.PENDING, history=history, owner=owner, lease_until=None)


def to_checkpoint(trial: Trial, values: Iterable[V]) -> tuple[V, ...]:
    """Return what a new attempt keeps of the reports or rungs: those up to the checkpoint.

    Parameters
    ----------
    trial : Trial
        A pending trial.
    values : iterable of Report or RungValue
        Its reports or rungs.
    """
    if trial.checkpoint is None:
        return ()
    step = trial.checkpoint.step
    return tuple(value for value in values if value.step <= step)


def attempt_of_progress(trial: Trial, step: float) -> int:
    """Return the first attempt that came as far as a step.

    Parameters
    ----------
    trial : Trial
        A held trial, with its checkpoint before.
    step : float
        The step of its new checkpoint.
    """
    if trial.checkpoint is not None and trial.checkpoint.step >= step:
        return trial.checkpoint.attempt
    return trial.attempt


def unclaimed(trial: Trial) -> Trial:
    """Return a trial as if it had not been claimed, except that its attempt stays counted."""
    back = replace(trial, state=State.PENDING, owner=None, worker=None)
    return replace(back, claimed_at=None, heartbeat_at=None, lease_until=None)


def expired(trial: Trial, now: datetime) -> Trial:
    """Return a trial after its lease expired: pending, or failed after its last attempt.

    Parameters
    ----------
    trial : Trial
        A running trial.
    now : datetime
        The store's time.
    """
    since = trial.checkpoint.attempt if trial.checkpoint else 0
    lost = [ended.attempt for ended in trial.history if ended.why == LEASE_EXPIRED]
    n_lost = sum(attempt > since for attempt in [*lost, trial.attempt])
    back = requeued(trial, now, LEASE_EXPIRED, owner=trial.owner)
    if n_lost < trial.max_attempts:
        return back
    message = f"The worker did not renew its lease, in {n_lost} of at most {trial.max_attempts} attempts."
    error = Failure(kind=FailureKind.LOST, message=message)
    return replace(back, state=State.FAILED, owner=None, error=error, finished_at=now)


def is_too_long(trial: Trial, now: datetime) -> bool:
    """Whether a lease ends later than its own length from now.

    Parameters
    ----------
    trial : Trial
        A running trial.
    now : datetime
        The store's time.
    """
    return trial.lease_until is not None and trial.lease_until > _full_lease(trial, now)


def shortened(trial: Trial, now: datetime) -> Trial:
    """Return a trial whose lease ends its own length from now.

    Parameters
    ----------
    trial : Trial
        A running trial.
    now : datetime
        The store's time.
    """
    return replace(trial, lease_until=_full_lease(trial, now))


def ordered(trials: list[Trial], sort: str) -> list[Trial]:
    """Return trials in one of the orders of ``TrialStore.trials``.

    Parameters
    ----------
    trials : list of Trial
        In any order.
    sort : {"tid", "newest", "loss"}
        By number, by falling number, or by loss without the trials that have none, are invalid or exceed a
        limit.
    """
    match sort:
        case "tid":
            return sorted(trials, key=lambda trial: trial.tid)
        case "newest":
            return sorted(trials, key=lambda trial: -trial.tid)
        case "loss":
            ranked = [
                (trial.loss, trial.tid, trial)
                for trial in trials
                if trial.loss is not None and not trial.invalid and trial.feasible is not False
            ]
            return [trial for _, _, trial in sorted(ranked, key=lambda entry: entry[:2])]
    raise ValueError(f"trials cannot be sorted by {sort!r}; use one of tid, newest, loss")


def _full_lease(trial: Trial, now: datetime) -> datetime:
    return now + timedelta(seconds=trial.lease_s)
