"""Which experiments a worker takes trials from."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime

from hpsearch.core.experiment import Code, Experiment, ExperimentState
from hpsearch.errors import HpsearchError
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.store.protocol import TrialStore

log = logging.getLogger(__name__)

#: Seconds for which a look at the experiments is good.
_GOOD_FOR_S = 2.0


class Directory:
    """The running experiments that this worker serves and can load.

    Parameters
    ----------
    store : TrialStore
        Where the experiments are.
    exp_keys : sequence of str
        The experiments to serve; empty means any.
    watchdog : Pulse, optional
        Beats while a slot waits for the look of another.
    """

    def __init__(self, store: TrialStore, exp_keys: Sequence[str], watchdog: Watchdog | None = None) -> None:
        self._store = store
        self._watchdog = watchdog or Watchdog()
        self._wanted = tuple(exp_keys)
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._running: dict[str, Experiment] = {}
        self._refused: set[Code] = set()
        # By name: a leader's lease that ends too late, and when it was first seen.
        self._leads: dict[str, tuple[datetime, float]] = {}

    def running(self, *, anew: bool = False) -> dict[str, Experiment]:
        """Return the experiments to take trials from, by name; ``anew`` looks at the store again."""
        with self._watchdog.holding(self._lock):
            if anew or time.monotonic() - self._looked_at > _GOOD_FOR_S:
                self._look()
            return {key: e for key, e in self._running.items() if e.code not in self._refused}

    def refuse(self, experiment: Experiment, problem: HpsearchError) -> None:
        """Leave an experiment alone that cannot be loaded here, unless another has taken its place by now.

        Raises
        ------
        HpsearchError
            The problem itself, if that experiment was asked for by name.
        """
        with self._watchdog.holding(self._lock):
            self._look()
            present = self._running.get(experiment.exp_key)
            if present is None or (present.identity, present.objective) != (
                experiment.identity,
                experiment.objective,
            ):
                return
            if experiment.exp_key in self._wanted:
                raise problem
            is_news = experiment.code not in self._refused
            self._refused.add(experiment.code)
        if is_news:
            log.warning(
                "not serving %s: %s",
                experiment.exp_key,
                problem,
                extra=Event.NOT_SERVING.of(exp_key=experiment.exp_key, why=str(problem)),
            )

    def is_exhausted(self) -> bool:
        """Whether no experiment can be expected to offer another trial: none has a living coordinator."""
        running = self.running(anew=True)
        now = self._store.now()
        return not any(self._may_be_led(e, now) for e in running.values())

    def _may_be_led(self, experiment: Experiment, now: datetime) -> bool:
        """Whether a coordinator leads it, or had no time yet to renew since the clock was set back."""
        until, lease_s = experiment.led_until, experiment.lead_lease_s
        if experiment.is_led(now) or until is None or lease_s is None or until <= now:
            return experiment.is_led(now)
        known, since = self._leads.get(experiment.exp_key, (None, 0.0))
        if known != until:
            since = time.monotonic()
            self._leads[experiment.exp_key] = until, since
        return time.monotonic() - since < lease_s

    def _look(self) -> None:
        found = {e.exp_key: e for e in self._store.experiments({ExperimentState.RUNNING})}
        self._running = {k: e for k, e in found.items() if not self._wanted or k in self._wanted}
        self._looked_at = time.monotonic()
