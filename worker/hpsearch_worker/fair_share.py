"""The order in which a worker asks its experiments for a trial, by their priorities.

Stride scheduling (Waldspurger and Weihl, 1995): each experiment has a due time. A claim advances it by
one over the priority, and the experiment with the earliest due time is asked first. After the first claims,
all due times stay within one stride of the earliest, so an experiment with the share ``s`` among ``k`` gets
``n * s`` of ``n`` claims to within ``1 + k * s``. If it has no pending trial, the next experiment is asked; a
missed claim is not made up for later, except for one at once when it has a trial again.

Workers share no state. The first due time of an experiment is drawn from the exponential distribution whose
rate is its priority. The probability that it is the smallest is then the experiment's share, so many workers
that claim one trial each are fair together, too.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hpsearch.core.experiment import Experiment, Identity


@dataclass(slots=True)
class ClaimOrder:
    """The order of the experiments for one claim, and which of them had a trial."""

    exp_keys: list[str]  #: all experiments, the one that is due first
    claimed_from: str | None = None  #: set by the caller


@dataclass(slots=True)
class _Schedule:
    """The due times of experiments that compete with each other."""

    due: dict[Identity, float]  #: of the next claim, in claims over priority
    now: float = 0.0  #: due time of the latest claim


class FairShare:
    """Orders the experiments for each claim; safe for use by all slots of a worker.

    Experiments with the priority 0 come last.

    Parameters
    ----------
    rng : Random
        Draws the first due times.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        self._schedules = {True: _Schedule({}), False: _Schedule({})}  # by whether the priority is positive

    @contextmanager
    def claiming(self, experiments: Collection[Experiment]) -> Iterator[ClaimOrder]:
        """Give the block an order, and charge the experiment that it sets as ``claimed_from``.

        The first experiment is charged at once, so that slots which claim at the same moment do not all ask
        the same one; the charge is refunded unless it had a trial.
        """
        by_key = {experiment.exp_key: experiment for experiment in experiments}
        with self._lock:
            ordered = self._ordered(experiments)
            for first in ordered[:1]:
                self._charge(first)
        order = ClaimOrder([experiment.exp_key for experiment in ordered])
        try:
            yield order
        finally:
            with self._lock:
                for first in ordered[:1]:
                    if order.claimed_from != first.exp_key:
                        self._refund(first)
                        if order.claimed_from is not None:
                            self._charge(by_key[order.claimed_from])

    def _ordered(self, experiments: Collection[Experiment]) -> list[Experiment]:
        """Return the experiments by due time; forget those that are not among them."""
        for has_share, schedule in self._schedules.items():
            those = [e for e in experiments if bool(e.priority) is has_share]
            schedule.due = {e.identity: self._due(schedule, e) for e in those}
        return sorted(experiments, key=lambda e: (e.priority == 0, self._schedule(e).due[e.identity]))

    def _due(self, schedule: _Schedule, experiment: Experiment) -> float:
        known = schedule.due.get(experiment.identity)
        return schedule.now + self._rng.expovariate(experiment.priority or 1) if known is None else known

    def _charge(self, experiment: Experiment) -> None:
        schedule, key = self._schedule(experiment), experiment.identity
        if key in schedule.due:  # else another slot saw meanwhile that it is no longer served
            schedule.now = max(schedule.now, schedule.due[key])
            schedule.due[key] = schedule.now + _stride(experiment)

    def _refund(self, experiment: Experiment) -> None:
        schedule, key = self._schedule(experiment), experiment.identity
        if key in schedule.due:
            schedule.due[key] -= _stride(experiment)

    def _schedule(self, experiment: Experiment) -> _Schedule:
        return self._schedules[experiment.priority > 0]


def _stride(experiment: Experiment) -> float:
    return 1 / (experiment.priority or 1)
