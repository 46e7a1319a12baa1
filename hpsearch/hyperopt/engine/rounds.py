"""The driver of a search within one process: ask, evaluate, look whether to stop, again.

It knows neither trials nor spaces: what is asked and evaluated is up to the ``Rounds``. It
holds no list and reads none, so that its own cost for each trial is constant.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol


class Rounds(Protocol):
    """What a search does in each round."""

    def ask(self, n: int) -> int:
        """Queue up to ``n`` new points; return how many, 0 when there are no more."""
        ...

    def evaluate(self) -> None:
        """Evaluate everything that is queued."""
        ...

    def best_loss(self) -> float | None:
        """Return the lowest loss so far."""
        ...

    def is_stopped(self) -> bool:
        """Whether a rule of the user's ends the search; asked once after each round."""
        ...


class Ending(StrEnum):
    """Why a search in one process is over."""

    MAX_EVALS = "max_evals"
    TIMEOUT = "timeout"
    LOSS_THRESHOLD = "loss_threshold"
    STOPPED = "stopped"
    NO_MORE_POINTS = "no_more_points"


def search(
    rounds: Rounds,
    *,
    n_new: int,
    batch: int,
    timeout_s: float | None,
    loss_threshold: float | None,
    clock: Callable[[], float],
) -> Ending:
    """Evaluate what is queued, then ask for new points and evaluate them, until a limit is reached.

    Parameters
    ----------
    rounds : Rounds
        What to do.
    n_new : int
        New points in all.
    batch : int
        New points in one round, at least 1.
    timeout_s : float, optional
        Seconds after which no round begins; none is interrupted.
    loss_threshold : float, optional
        No round begins once a loss is below it.
    clock : callable
        The time in seconds, which never goes back.

    Returns
    -------
    Ending
        The limit that was met.
    """
    started, n_asked = clock(), 0
    rounds.evaluate()
    while n_asked < n_new:
        best_loss = rounds.best_loss()
        if loss_threshold is not None and best_loss is not None and best_loss < loss_threshold:
            return Ending.LOSS_THRESHOLD
        if timeout_s is not None and clock() - started >= timeout_s:
            return Ending.TIMEOUT
        n_got = rounds.ask(min(batch, n_new - n_asked))
        if n_got == 0:
            return Ending.NO_MORE_POINTS
        n_asked += n_got
        rounds.evaluate()
        if rounds.is_stopped():
            return Ending.STOPPED
    return Ending.MAX_EVALS
