"""What trials reported: learns from it when to stop trials, and adds up their steps."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from hpsearch.coordination import plan
from hpsearch.core.experiment import Experiment, Pruner
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import State, Trial
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.stopping.learner import Learner
from hpsearch.suggest.stopping.rules import make_rule

log = logging.getLogger(__name__)

#: Seconds between two reads of the running trials.
_READ_EVERY_S = 1.0

#: The rule that needs all reports of the done trials.
_PAIRED = "paired"


class CurveReader:
    """Reads the curves of an experiment's trials while its pruner or its budget needs them.

    Parameters
    ----------
    store : TrialStore
        Holds the trials.
    experiment : Experiment
        The experiment.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, store: TrialStore, experiment: Experiment, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock = store, clock
        self._exp_key, self._pruner = experiment.exp_key, experiment.pruner
        self._learner = _learner(experiment.pruner)
        self.is_needed = self._learner is not None or experiment.budget.max_steps is not None
        self._steps: dict[int, float] = {}  # by tid
        self._version = 0
        self._is_stale = False  # whether the stored policy is of another rule
        self._has_read = True  # whether trials were read since the last policy
        self._due = 0.0

    @property
    def n_steps(self) -> float:
        """The sum over all trials of the last step that each reported; 0 unless it is needed."""
        return math.fsum(self._steps.values())

    def load(self) -> None:
        """Read all trials, and the number of the last policy."""
        if not self.is_needed:
            return
        for trial in self._store.curves(self._exp_key, all_reports=self._pruner.name == _PAIRED):
            self._add(trial)
        stored = self._store.policy(self._exp_key) or {}
        version = stored.get("version")
        self._version = version if isinstance(version, int) else 0
        self._is_stale = bool(stored) and stored.get("rule") != self._pruner.name

    def read(self, final: Iterable[Trial], open_tids: Collection[int]) -> None:
        """Add trials that became final, and read those that are open, if that is due.

        Parameters
        ----------
        final : iterable of Trial
            As the store returned them.
        open_tids : collection of int
            Numbers of the others.
        """
        if not self.is_needed:
            return
        for trial in final:
            self._add(trial)
        asked_at = self._clock()
        if asked_at < self._due:
            return
        for trial in self._store.curves(self._exp_key, tids=open_tids):
            self._add(trial)
        self._due = asked_at + max(_READ_EVERY_S, plan.pause_after(self._clock() - asked_at))

    def publish(self, leader: str) -> Mapping[int, Forecast] | None:
        """Publish a new policy if one is due, and return the predicted losses of trials without one.

        Parameters
        ----------
        leader : str
            Token of the coordinator.

        Returns
        -------
        mapping of int to Forecast, or None
            By number of the trial; None if no trial was read since the last call.
        """
        if self._learner is None or not self._has_read:
            return None
        self._has_read = False
        try:
            policy: dict[str, Any] | None = self._learner.policy(self._version + 1)
            forecasts = self._learner.forecasts()
        except Exception:
            # No defect of a model may end a search: trials go on by the policy that is there.
            log.exception(
                "learning when to stop trials failed; no more trials are stopped on new evidence",
                extra=Event.PRUNER_FAILED.of(exp_key=self._exp_key),
            )
            self._learner = None
            return {}
        if policy is None and self._is_stale:
            policy = {"version": self._version + 1, "rule": "none"}
        if policy is not None and self._store.publish_policy(self._exp_key, policy, leader):
            self._version, self._is_stale = self._version + 1, False
        return forecasts

    def _add(self, trial: Trial) -> None:
        self._has_read = True
        last = trial.reports[-1] if trial.reports else None
        reached = [rung.step for rung in trial.rungs] + ([] if last is None else [last.step])
        step = max((step for step in reached if math.isfinite(step)), default=None)
        if step is not None:
            self._steps[trial.tid] = max(step, self._steps.get(trial.tid, 0.0))
        if self._learner is None:
            return
        if trial.invalid is not None or trial.state is State.CANCELLED:
            self._learner.discard(trial.tid)
            return
        self._learner.set(
            trial.tid,
            trial.rungs,
            trial.loss,
            trial.state,
            None if last is None or step is None else (step, last.value),
            [(report.step, report.value) for report in trial.reports] if self._pruner.name == _PAIRED else (),
        )


def _learner(pruner: Pruner) -> Learner | None:
    if not pruner.is_on:
        return None
    return Learner(make_rule(pruner.name, pruner.options, pruner.max_resource, pruner.min_resource))
