"""Leader election: one coordinator at a time leads an experiment, while it renews its lease."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from hpsearch.core.experiment import Elapsed
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

log = logging.getLogger(__name__)

#: Seconds that leadership lasts without a renewal; then a standby takes over.
LEADER_LEASE_S = 10.0


class Candidate:
    """A process that bids for the leadership of an experiment.

    Parameters
    ----------
    store : TrialStore
        Holds the experiment.
    exp_key : str
        Its name.
    clock : callable
        Monotonic seconds.
    start_grace_s : float
        Seconds that do not count as elapsed while no trial has been taken: workers may still be starting.

    Attributes
    ----------
    token : str
        Identifies this process in the store.
    epoch : int or None
        Number of its present leadership; None as standby.
    """

    def __init__(
        self, store: TrialStore, exp_key: str, clock: Callable[[], float], start_grace_s: float = 0.0
    ) -> None:
        self._store = store
        self._exp_key = exp_key
        self._clock = clock
        self.token = uuid4().hex
        self.epoch: int | None = None
        self._resigned_epoch: int | None = None  # of the last leadership that this process gave up
        self._lead_until = 0.0  # by this machine's clock
        self._before = Elapsed(seconds=0.0, since=None)  # stored value when this process began to lead
        self._led_since = 0.0  # when the elapsed time begins, by this machine's clock
        self._start_grace_s = start_grace_s

    def leads(self, run: datetime | None) -> bool:
        """Renew or bid for the leadership if that is due; return whether this process leads.

        Parameters
        ----------
        run : datetime, optional
            ``Experiment.started_at`` as last read; a new run makes a renewal due.
        """
        asked_at = self._clock()
        if asked_at < self._lead_until - LEADER_LEASE_S / 2 and run == self._before.since:
            return True
        bid = self._store.lead(self._exp_key, self.token, LEADER_LEASE_S, self._elapsed())
        if bid.is_mine:
            stored = bid.elapsed or self._before
            if bid.epoch != self.epoch or stored.since != self._before.since:
                self._before, self._led_since = stored, asked_at + self._start_grace_s
            # Counted from before the call, so that it ends here before it ends in the store.
            self.epoch, self._lead_until = bid.epoch, asked_at + LEADER_LEASE_S
            return True
        if self.epoch is not None:
            log.warning(
                "leadership of %s was lost to another coordinator",
                self._exp_key,
                extra=Event.LEADERSHIP_LOST.of(exp_key=self._exp_key),
            )
        self.epoch, self._lead_until = None, 0.0
        return False

    @property
    def was_last_leader(self) -> bool:
        """Whether no other process has led since this one resigned and won the lead again."""
        return self.epoch is not None and self._resigned_epoch == self.epoch - 1

    def note_trial(self) -> None:
        """Let the elapsed time count from now at the latest, since a worker has taken a trial."""
        self._start_grace_s = 0.0
        self._led_since = min(self._led_since, self._clock())

    def elapsed_s(self, run: datetime | None) -> float:
        """Return the seconds for which a run has been led by any coordinator; 0 for an unknown run."""
        elapsed = self._elapsed()
        return elapsed.seconds if elapsed is not None and elapsed.since == run else 0.0

    def resign(self) -> None:
        """Let a standby take over at once; ``leads`` bids again."""
        self._store.resign(self._exp_key, self.token, self._elapsed())
        self._resigned_epoch = self.epoch
        self.epoch, self._lead_until = None, 0.0

    def _elapsed(self) -> Elapsed | None:
        """Return for how long the run has been led in all; None unless this process leads."""
        if self.epoch is None:
            return None
        led_s = max(0.0, self._clock() - self._led_since)
        return Elapsed(seconds=self._before.seconds + led_s, since=self._before.since)
