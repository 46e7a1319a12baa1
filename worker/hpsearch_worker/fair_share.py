"""Whose turn it is among the experiments that a worker serves, by their priorities.

Stride scheduling: each experiment has a time at which its next claim is due. A claim moves it on by one
over the priority, and the experiment with the earliest time is asked first. After the first turns all times
stay within one stride of the earliest, so that of ``n`` claims an experiment with the share ``s`` among ``k``
gets ``n * s`` to within ``1 + k * s``. Where it has no trial waiting the next one is asked; the missed
turn is not made up for later, but for one claim at once when it has a trial again.

Workers share no state. The first time of an experiment is drawn from the exponential distribution whose
rate is its priority; the least of such times belongs to each experiment with the probability of its
share, so that many workers that claim one trial each are fair together, too.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hpsearch.core.experiment import Experiment, Identity


@dataclass(slots=True)
class Turn:
    """One claim: whom to ask, in this order, and who gave."""

    exp_keys: list[str]  #: all experiments, the one whose turn it is first
    taken_from: str | None = None  #: set by who claims


@dataclass(slots=True)
class _Rank:
    """When experiments are due that compete with each other."""

    due: dict[Identity, float]  #: of the next claim, in claims over priority
    now: float = 0.0  #: when the latest claim was due


class FairShare:
    """The order of the experiments for each claim of a worker; safe for use by all of its slots.

    Experiments of the priority 0 come after all others.

    Parameters
    ----------
    rng : Random
        Draws the first turns.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        self._ranks = {True: _Rank({}), False: _Rank({})}  # whether it has a share

    @contextmanager
    def turn(self, experiments: Collection[Experiment]) -> Iterator[Turn]:
        """Give the block a turn, and charge the experiment that it sets as ``taken_from``.

        The first in the order is charged at once, so that slots which ask at the same moment do not
        all ask the same one; the charge is taken back unless it gave.
        """
        by_key = {experiment.exp_key: experiment for experiment in experiments}
        with self._lock:
            ordered = self._ordered(experiments)
            for first in ordered[:1]:
                self._charge(first)
        turn = Turn([experiment.exp_key for experiment in ordered])
        try:
            yield turn
        finally:
            with self._lock:
                for first in ordered[:1]:
                    if turn.taken_from != first.exp_key:
                        self._take_back(first)
                        if turn.taken_from is not None:
                            self._charge(by_key[turn.taken_from])

    def _ordered(self, experiments: Collection[Experiment]) -> list[Experiment]:
        """Return the experiments as they are due; forget those that are not among them."""
        for has_share, rank in self._ranks.items():
            those = [e for e in experiments if bool(e.priority) is has_share]
            rank.due = {e.identity: self._due(rank, e) for e in those}
        return sorted(experiments, key=lambda e: (e.priority == 0, self._rank(e).due[e.identity]))

    def _due(self, rank: _Rank, experiment: Experiment) -> float:
        known = rank.due.get(experiment.identity)
        return rank.now + self._rng.expovariate(experiment.priority or 1) if known is None else known

    def _charge(self, experiment: Experiment) -> None:
        rank, mine = self._rank(experiment), experiment.identity
        if mine in rank.due:  # else another slot saw meanwhile that it is not served any more
            rank.now = max(rank.now, rank.due[mine])
            rank.due[mine] = rank.now + _stride(experiment)

    def _take_back(self, experiment: Experiment) -> None:
        rank, mine = self._rank(experiment), experiment.identity
        if mine in rank.due:
            rank.due[mine] -= _stride(experiment)

    def _rank(self, experiment: Experiment) -> _Rank:
        return self._ranks[experiment.priority > 0]


def _stride(experiment: Experiment) -> float:
    return 1 / (experiment.priority or 1)
