"""How long a process repeats a call while MongoDB is away or refuses its user."""

from __future__ import annotations

from collections.abc import Callable


class Patience:
    """When to stop repeating a call; the limits may be changed while the connection is in use.

    Parameters
    ----------
    away_s : float
        Seconds to wait after MongoDB went away; infinite for no limit.
    refused_s : float, optional
        Seconds to wait after MongoDB first refused a call that it allowed before; at most ``away_s``. Once
        they have passed, every later refusal is raised at once. By default, so is the first.
    may_wait : callable
        Called before each wait; returns whether the process still needs the answer.
    """

    def __init__(
        self, away_s: float, refused_s: float | None = None, *, may_wait: Callable[[], bool] = lambda: True
    ) -> None:
        self.away_s = away_s
        self.refused_s = refused_s
        #: Whether the calling thread waits for access; a thread that serves others must not.
        self.waits_for_access: Callable[[], bool] = lambda: True
        self._may_wait = may_wait

    def while_away(self, seconds_away: float) -> bool:
        """Whether to repeat a call ``seconds_away`` seconds after MongoDB went away."""
        return self._may_wait() and seconds_away < self.away_s

    def while_refused(self, seconds_refused: float) -> bool:
        """Whether to repeat a call ``seconds_refused`` seconds after MongoDB first refused it."""
        if seconds_refused >= (self.refused_s or 0.0):
            self.refused_s = 0.0  # calls on the way out must not wait as long again
            return False
        return self.waits_for_access() and self.while_away(seconds_refused)
