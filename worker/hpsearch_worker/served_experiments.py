"""The experiments from which a worker takes trials."""

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

#: Seconds after which the list of experiments is read again.
_REFRESH_S = 2.0


class ServedExperiments:
    """The running experiments that this worker serves and can load.

    Parameters
    ----------
    store : TrialStore
        Holds the experiments.
    exp_keys : sequence of str
        Names of the experiments to serve; empty for any.
    watchdog : Watchdog, optional
        Beats while a slot waits for another slot to read the list.
    """

    def __init__(self, store: TrialStore, exp_keys: Sequence[str], watchdog: Watchdog | None = None) -> None:
        self._store = store
        self._watchdog = watchdog or Watchdog()
        self._wanted = tuple(exp_keys)
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._running: dict[str, Experiment] = {}
        self._refused: set[Code] = set()
        # By name: a leader's lease that ends too late, and when it was first seen.
        self._late_leases: dict[str, tuple[datetime, float]] = {}

    def running(self, *, refresh: bool = False) -> dict[str, Experiment]:
        """Return the experiments to take trials from, by name; ``refresh`` reads them from the store now."""
        with self._watchdog.holding(self._lock):
            if refresh or time.monotonic() - self._read_at > _REFRESH_S:
                self._read()
            return {key: e for key, e in self._running.items() if e.code not in self._refused}

    def refuse(self, experiment: Experiment, problem: HpsearchError) -> None:
        """Stop serving an experiment that this machine cannot load, unless it was replaced meanwhile.

        Parameters
        ----------
        experiment : Experiment
            As it was when loading it failed.
        problem : HpsearchError
            Why it cannot be loaded.

        Raises
        ------
        HpsearchError
            The problem, if the worker was started for this experiment by name.
        """
        with self._watchdog.holding(self._lock):
            self._read()
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
        """Whether no experiment will offer another trial, because none has a live coordinator."""
        running = self.running(refresh=True)
        now = self._store.now()
        return not any(self._may_be_led(e, now) for e in running.values())

    def _may_be_led(self, experiment: Experiment, now: datetime) -> bool:
        """Whether a coordinator leads it, or has not yet had time to renew since the clock was set back."""
        until, lease_s = experiment.led_until, experiment.lead_lease_s
        if experiment.is_led(now) or until is None or lease_s is None or until <= now:
            return experiment.is_led(now)
        known, since = self._late_leases.get(experiment.exp_key, (None, 0.0))
        if known != until:
            since = time.monotonic()
            self._late_leases[experiment.exp_key] = until, since
        return time.monotonic() - since < lease_s

    def _read(self) -> None:
        found = {e.exp_key: e for e in self._store.experiments({ExperimentState.RUNNING})}
        self._running = {k: e for k, e in found.items() if not self._wanted or k in self._wanted}
        self._read_at = time.monotonic()
