"""Decisions of a search: when it ends, how many trials it adds, how often the coordinator polls.

The coordinator of a fleet and ``fmin`` in one process share them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

from hpsearch.core.experiment import Budget
from hpsearch.core.worker import Worker

#: The shortest and the longest time between two polls of the store, in seconds.
MIN_POLL_S = 0.02
MAX_POLL_S = 1.0

#: Seconds added to the shortest time for each open trial, since a poll asks for all of them: polls of a large
#: fleet then use no more of the coordinator and the server than those of a small one.
_POLL_S_PER_OPEN = 1e-4

#: With a lag, seconds of the shortest time for each trial that it allows: no more can end in one burst.
_POLL_S_PER_LAG = 1e-3

#: The largest batch of suggestions between two polls, so that a coordinator never misses its own lease.
MAX_BATCH = 64


class EndReason(StrEnum):
    """Why a search is over."""

    MAX_EVALS = "max_evals"
    MAX_STEPS = "max_steps"
    TIMEOUT = "timeout"
    LOSS_THRESHOLD = "loss_threshold"
    REACHED = "reached"  #: a trial fulfils the condition of the budget
    NOT_WORTH = "not_worth"  #: more trials are forecast to improve too little
    STOPPED = "stopped"
    EARLY_STOP = "early_stop"  #: a rule that the script gave
    NO_MORE_POINTS = "no_more_points"  #: the algorithm has none left


def end_reason(
    budget: Budget,
    n_finished: int,
    best_loss: float | None,
    elapsed_s: float,
    *,
    is_stopped: bool = False,
    is_reached: bool = False,
    is_exhausted: bool = False,
    is_worth: bool = True,
    n_steps: float = 0.0,
) -> EndReason | None:
    """Return which limit ends a search, None if it goes on.

    Parameters
    ----------
    budget : Budget
        The limits.
    n_finished : int
        Trials that are done, failed or pruned.
    best_loss : float, optional
        The lowest loss so far.
    elapsed_s : float
        Seconds for which the current run has been led.
    is_stopped : bool
        Whether a user stopped it.
    is_reached : bool
        Whether a trial fulfils the condition of the budget.
    is_exhausted : bool
        Whether no point is left to suggest, and all trials are final.
    is_worth : bool
        Whether an hour more may bring what the budget asks for.
    n_steps : float
        Sum of the last steps that all trials reported.
    """
    if is_stopped:
        return EndReason.STOPPED
    if budget.max_evals is not None and n_finished >= budget.max_evals:
        return EndReason.MAX_EVALS
    if budget.max_steps is not None and n_steps >= budget.max_steps:
        return EndReason.MAX_STEPS
    if budget.loss_threshold is not None and best_loss is not None and best_loss <= budget.loss_threshold:
        return EndReason.LOSS_THRESHOLD
    if is_reached:
        return EndReason.REACHED
    if is_exhausted:
        return EndReason.NO_MORE_POINTS
    if not is_worth:
        return EndReason.NOT_WORTH
    if budget.timeout_s is not None and elapsed_s >= budget.timeout_s:
        return EndReason.TIMEOUT
    return None


def n_to_suggest(budget: Budget, depth: int, *, n_pending: int, n_finished: int = 0, n_open: int = 0) -> int:
    """Return how many trials to add to the queue now.

    Parameters
    ----------
    budget : Budget
        Its ``max_evals`` is never exceeded.
    depth : int
        Trials that should wait in the queue, see ``queue_depth``.
    n_pending : int
        Trials that wait in it.
    n_finished : int
        Trials known to be done, failed or pruned.
    n_open : int
        Trials not known to be final. ``n_finished + n_open`` is exact, while ``n_pending`` may be older.
    """
    n_wanted = depth - n_pending
    if budget.max_evals is not None:
        n_wanted = min(n_wanted, budget.max_evals - n_finished - n_open)
    return max(0, n_wanted)


def queue_depth(*, n_free: int, reserve: int, min_pending: int = 0) -> int:
    """Return how many trials should wait in the queue of a fleet.

    One for each free slot, and a small reserve for slots that become free before the next poll. More trials
    would be suggested from an older history than necessary.

    Parameters
    ----------
    n_free : int
        Slots of live workers that hold no trial.
    reserve : int
        See ``reserve_for``.
    min_pending : int
        Trials to keep in the queue in any case.
    """
    return max(min_pending, max(0, n_free) + reserve)


def n_within_lag(next_tid: int, first_open: int, lag: int) -> int:
    """Return how many trials may be suggested now if trial n waits for all trials before ``n - lag``.

    Parameters
    ----------
    next_tid : int
        Number of the next trial.
    first_open : int
        Lowest number of a trial that is not final; ``next_tid`` if there is none.
    lag : int
        Number of preceding trials from which a suggestion does not learn; at least 0. At most ``lag + 1``
        trials are open.
    """
    return max(0, first_open + lag + 1 - next_tid)


def is_alone(workers: Iterable[Worker]) -> bool:
    """Whether the registry shows at most one slot.

    A dead worker stays registered for a while. It was last seen before its replacement started, so only
    workers count that were seen since the newest one started.
    """
    alive = list(workers)
    newest = max((worker.started_at for worker in alive if worker.started_at), default=None)
    return sum(w.slots for w in alive if newest is None or w.seen_at is None or w.seen_at >= newest) <= 1


def reserve_for(rate_per_s: float, cycle_s: float) -> int:
    """Return how many trials must be in the queue so that no worker has to wait.

    It is twice the number that finishes between two polls, and at least 1. An empty queue lowers the measured
    rate; the factor 2 makes the reserve grow until the queue no longer runs empty.

    Parameters
    ----------
    rate_per_s : float
        Finished trials per second.
    cycle_s : float
        Seconds between two polls, including the suggestions.
    """
    return max(1, math.ceil(2 * rate_per_s * cycle_s))


def min_poll(n_open: int, lag: int | None = None) -> float:
    """Return the shortest time between two polls of the store, in seconds.

    Parameters
    ----------
    n_open : int
        Open trials; a poll asks for each.
    lag : int, optional
        See ``n_within_lag``.
    """
    shortest = MIN_POLL_S if lag is None else min(MIN_POLL_S, _POLL_S_PER_LAG * (lag + 1))
    return min(MAX_POLL_S, shortest + _POLL_S_PER_OPEN * n_open)


def poll_after(rate_per_s: float, n_open: int = 0) -> float:
    """Return the seconds until the next poll: four polls for each finished trial, within bounds.

    Parameters
    ----------
    rate_per_s : float
        Finished trials per second.
    n_open : int
        Open trials.
    """
    wanted = 0.25 / rate_per_s if rate_per_s > 0 else 0.25
    return min(MAX_POLL_S, max(min_poll(n_open), wanted))


def pause_after(cost_s: float) -> float:
    """Return the seconds to wait after a read that took ``cost_s``, so that reads take 5 % of the time."""
    return 20 * cost_s


def may_expire(contact_s: float, lease_s: float) -> bool:
    """Whether leases may be expired.

    After an outage all leases look expired at once. None is expired before every worker had two renewal
    periods with a reachable database.

    Parameters
    ----------
    contact_s : float
        Seconds of unbroken contact with the store.
    lease_s : float
        Length of a lease; workers renew four times in it.
    """
    return contact_s >= lease_s / 2
