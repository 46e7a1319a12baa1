"""The loop of a search in this process: ask for points, evaluate them or wait, check the limits, repeat.

The coordinator of a fleet applies the same limits (``coordination.plan``). The loop holds no trials and reads
none, so its cost for each trial is constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from hpsearch.coordination.plan import EndReason, end_reason
from hpsearch.core.experiment import Budget


class Rounds(Protocol):
    """The steps of a search."""

    def ask(self, n: int) -> int:
        """Queue up to ``n`` new points; return how many."""
        ...

    def advance(self) -> None:
        """Evaluate every queued trial, or wait a moment while others do."""
        ...

    def n_open(self) -> int:
        """Return how many trials wait or are under evaluation."""
        ...

    def best_loss(self) -> float | None:
        """Return the lowest loss so far."""
        ...

    def is_stopped(self) -> bool:
        """Return whether the early stopping rule ends the search; called once after each round."""
        ...

    @property
    def is_exhausted(self) -> bool:
        """Whether the algorithm has no more points."""
        ...


def search(
    rounds: Rounds,
    n_new: int,
    limits: Budget,
    *,
    elapsed_s: Callable[[], float],
    is_asynchronous: bool = False,
    is_waiting: bool = False,
) -> EndReason:
    """Repeat rounds until a limit is reached.

    Parameters
    ----------
    rounds : Rounds
        The steps.
    n_new : int
        Number of new points.
    limits : Budget
        All other limits. They are checked between two rounds.
    elapsed_s : callable
        Returns the seconds that count towards the timeout.
    is_asynchronous : bool
        Whether trials are evaluated elsewhere, so that a round may end with open trials.
    is_waiting : bool
        Whether to continue, with no new points, until no trial is open.

    Returns
    -------
    EndReason
        The limit that was reached; asynchronous trials may still be open.
    """
    budget, n_asked = replace(limits, max_evals=n_new), 0
    while True:
        reason = end_reason(
            budget,
            n_asked - (rounds.n_open() if is_waiting else 0),
            rounds.best_loss(),
            elapsed_s(),
            is_exhausted=rounds.is_exhausted,
        )
        if reason is not None:
            return reason
        n_got = rounds.ask(n_new - n_asked)
        if n_got == 0 and not is_asynchronous:
            return EndReason.NO_MORE_POINTS
        n_asked += n_got
        rounds.advance()
        if rounds.is_stopped():
            return EndReason.EARLY_STOP
