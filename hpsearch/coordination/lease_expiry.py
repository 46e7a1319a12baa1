"""Returns trials to the queue whose worker stopped renewing its lease.

After an outage, or a step of the database's clock, all leases look expired at once. So no lease expires
before every worker had time to renew under unbroken contact and a steady clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hpsearch.coordination import plan
from hpsearch.coordination.fleet_view import FleetView
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

log = logging.getLogger(__name__)

#: The longest time between two checks, in seconds.
_CHECK_EVERY_S = 2.0


class LeaseExpiry:
    """Expires the leases of one experiment.

    Parameters
    ----------
    store : TrialStore
        Holds the experiment.
    fleet_view : FleetView
        The experiment and the store's clock.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, store: TrialStore, fleet_view: FleetView, clock: Callable[[], float]) -> None:
        self._store = store
        self._fleet_view = fleet_view
        self._clock = clock
        self._contact_since = self._contact_at = clock()
        self._checked_at = 0.0
        self.n_expired = 0  #: leases so far

    def note_contact(self) -> None:
        """Note that the store has answered. A gap, from an outage or a stopped process, restarts the wait."""
        now = self._clock()
        if now - self._contact_at > self._lease_s / 4:
            self._contact_since = now
        self._contact_at = now

    def expire_if_due(self) -> None:
        """Expire leases, unless that was done a moment ago or is not yet safe."""
        self.note_contact()  # the calls before this one may have waited for the end of an outage
        now = self._clock()
        if now - self._checked_at < min(_CHECK_EVERY_S, self._lease_s / 4):
            return
        self._checked_at = now
        self._fleet_view.read_clock()  # after a step forwards, all leases look expired
        self._shorten_leases()  # after a step backwards, none does
        since = max(self._contact_since, self._fleet_view.steady_since)
        if not plan.may_expire(self._clock() - since, self._lease_s):
            return
        exp_key = self._fleet_view.experiment.exp_key
        n_expired = self._store.expire(exp_key)
        self.n_expired += n_expired
        if n_expired:
            log.warning(
                "%d trials of %s lost their worker",
                n_expired,
                exp_key,
                extra=Event.LEASES_EXPIRED.of(exp_key=exp_key, n_trials=n_expired),
            )

    @property
    def _lease_s(self) -> float:
        return self._fleet_view.experiment.defaults.lease_s

    def _shorten_leases(self) -> None:
        exp_key = self._fleet_view.experiment.exp_key
        n_shortened = self._store.shorten_leases(exp_key)
        if n_shortened:
            log.warning(
                "the clock of MongoDB was set back: %d leases of %s now count from the present",
                n_shortened,
                exp_key,
                extra=Event.LEASES_SHORTENED.of(exp_key=exp_key, n_trials=n_shortened),
            )
