"""What a coordinator should do next: pure decisions, no clock and no database."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.worker import Worker

#: The shortest and the longest time between two looks at the store, in seconds.
MIN_POLL_S = 0.02
MAX_POLL_S = 1.0

#: Seconds that a look takes the longer for each open trial, so that a fleet of thousands keeps its
#: coordinator and the server as little busy with looks as a small one.
_POLL_S_PER_OPEN = 1e-4

#: The same with a lag, for each trial that it lets through: more cannot end in one burst.
_POLL_S_PER_LAG = 1e-3

#: Suggestions made between two looks, so that a coordinator never misses its own lease.
MAX_BATCH = 64


class EndReason(StrEnum):
    """Why a search is over."""

    MAX_EVALS = "max_evals"
    TIMEOUT = "timeout"
    LOSS_THRESHOLD = "loss_threshold"
    STOPPED = "stopped"
    EARLY_STOP = "early_stop"  #: a rule that the script gave
    NO_MORE_POINTS = "no_more_points"  #: the algorithm has none left


def end_reason(
    experiment: Experiment,
    n_finished: int,
    best_loss: float | None,
    elapsed_s: float,
    *,
    is_exhausted: bool = False,
) -> EndReason | None:
    """Say which limit ends the search, or None while it goes on.

    Parameters
    ----------
    experiment : Experiment
        With its budget and its state.
    n_finished : int
        Trials that are done or failed.
    best_loss : float, optional
        The lowest loss so far.
    elapsed_s : float
        Seconds for which the current run has been led.
    is_exhausted : bool
        Whether no point is left to suggest, and all that were suggested are final.
    """
    budget = experiment.budget
    if experiment.state is ExperimentState.STOPPED:
        return EndReason.STOPPED
    if budget.max_evals is not None and n_finished >= budget.max_evals:
        return EndReason.MAX_EVALS
    if budget.loss_threshold is not None and best_loss is not None and best_loss <= budget.loss_threshold:
        return EndReason.LOSS_THRESHOLD
    if is_exhausted:
        return EndReason.NO_MORE_POINTS
    if budget.timeout_s is not None and elapsed_s >= budget.timeout_s:
        return EndReason.TIMEOUT
    return None


def n_to_suggest(
    experiment: Experiment,
    *,
    n_finished: int,
    n_open: int,
    n_pending: int,
    n_free: int,
    reserve: int,
    least: int = 0,
    most: int | None = None,
) -> int:
    """Say how many trials to add now.

    The queue should hold a trial for each slot that is free, and a small reserve for the
    slots that come free before the next look; more would only make suggestions staler.

    Parameters
    ----------
    experiment : Experiment
        With its budget and its state.
    n_finished : int
        Trials known to be done or failed.
    n_open : int
        Trials not known to be final. Together with ``n_finished`` they are all there are,
        which the counts below need not be: trials finish while they are counted.
    n_pending : int
        Trials waiting in the queue.
    n_free : int
        Slots of the workers alive that hold no trial.
    reserve : int
        See ``reserve_for``.
    least : int
        Trials that should wait in any case.
    most : int, optional
        Trials that may be added now, see ``n_within_lag``; all of them are then, since none of them would
        be suggested from more if it came later.
    """
    if experiment.state is not ExperimentState.RUNNING:
        return 0
    wanted = most
    if wanted is None:
        wanted = queue_depth(n_free=n_free, reserve=reserve, least=least) - n_pending
    if experiment.budget.max_evals is not None:
        wanted = min(wanted, experiment.budget.max_evals - n_finished - n_open)
    return max(0, min(wanted, MAX_BATCH))


def queue_depth(*, n_free: int, reserve: int, least: int = 0) -> int:
    """Return how many trials should wait; the arguments are those of ``n_to_suggest``."""
    return max(least, max(0, n_free) + reserve)


def n_within_lag(next_tid: int, first_open: int, lag: int) -> int:
    """Return how many trials may be suggested now where trial n waits for those before ``n - lag`` to end.

    Parameters
    ----------
    next_tid : int
        The number of the first of them.
    first_open : int
        The lowest number of a trial that is not final; ``next_tid`` if there is none.
    lag : int
        Trials that a suggestion does not learn from, although they may have ended. At most one more is open.
    """
    return max(0, first_open + lag + 1 - next_tid)


def is_alone(workers: Iterable[Worker]) -> bool:
    """Whether at most one trial is evaluated at a time, as far as the registry shows.

    A worker that died stays there for a while. It was last seen before the one that was started in
    its place, so only those count that were seen since the newest of them began.
    """
    alive = list(workers)
    newest = max((worker.started_at for worker in alive if worker.started_at), default=None)
    return sum(w.slots for w in alive if newest is None or w.seen_at is None or w.seen_at >= newest) <= 1


def reserve_for(rate_per_s: float, cycle_s: float) -> int:
    """Return how many trials must wait in the queue so that no worker waits for one.

    Twice as many as finish between two looks, at the least one. Where the queue ran dry,
    the rate was held back by it; the factor makes the reserve grow until it no longer does.
    """
    return max(1, math.ceil(2 * rate_per_s * cycle_s))


def least_poll(n_open: int, lag: int | None = None) -> float:
    """Return the least time between two looks at the store, in seconds; a look asks for each open trial."""
    least = MIN_POLL_S if lag is None else min(MIN_POLL_S, _POLL_S_PER_LAG * (lag + 1))
    return min(MAX_POLL_S, least + _POLL_S_PER_OPEN * n_open)


def poll_after(rate_per_s: float, n_open: int = 0) -> float:
    """Return the seconds until the next look at the store: several looks a finished trial, within bounds."""
    wanted = 0.25 / rate_per_s if rate_per_s > 0 else 0.25
    return min(MAX_POLL_S, max(least_poll(n_open), wanted))


def pause_after(cost_s: float) -> float:
    """Return the seconds from a look that took ``cost_s`` to the next one: it takes 5 % of the time."""
    return 20 * cost_s


def may_expire(contact_s: float, lease_s: float) -> bool:
    """Whether leases may be taken for expired.

    After an outage all leases look expired at once. Nobody is declared dead before every
    worker had two renewal periods of a reachable database to say that it lives.

    Parameters
    ----------
    contact_s : float
        Seconds of unbroken contact with the store.
    lease_s : float
        Length of a lease; workers renew four times in it.
    """
    return contact_s >= lease_s / 2
