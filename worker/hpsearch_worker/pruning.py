"""Decides whether a trial should stop, from its reports and the policy that the coordinator published."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hpsearch.core.experiment import Identity
from hpsearch.core.stopping.curve import RungValue, curve_of
from hpsearch.core.stopping.decision import Policy, decide
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import Report, Trial
from hpsearch.errors import HpsearchError
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

log = logging.getLogger(__name__)

#: Seconds after which an evaluation that goes on despite a verdict is ended, in the mode "kill".
OBEY_WITHIN_S = 5.0


class Policies:
    """The policies of the experiments that a worker evaluates; an old one is used until a new one is read.

    Parameters
    ----------
    store : TrialStore
        Holds the experiments.
    """

    def __init__(self, store: TrialStore) -> None:
        self._store = store
        self._known: dict[Identity, Policy] = {}

    def of(self, trial: Trial) -> Policy | None:
        """Return the policy of a trial's experiment as last read; None if there was none."""
        return self._known.get((trial.exp_key, trial.exp_created_at))

    def refresh(self, trial: Trial) -> None:
        """Read the policy of a trial's experiment if there is a new one; keep the old one if that fails."""
        exp_key, known = trial.exp_key, (self.of(trial) or {}).get("version")
        try:
            policy = self._store.policy(exp_key, known)
        except HpsearchError as error:
            log.debug(
                "the policy of %s was not read: %s",
                exp_key,
                error,
                extra=Event.POLICY_UNREAD.of(exp_key=exp_key),
            )
            return
        if policy is not None:
            self._known[exp_key, trial.exp_created_at] = policy


class Judge:
    """Follows the reports of one trial.

    Parameters
    ----------
    trial : Trial
        As it was claimed, with the reports that it keeps.
    policy : callable
        Returns the latest policy.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        trial: Trial,
        policy: Callable[[], Policy | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tid, self._policy, self._clock = trial.tid, policy, clock
        self._curve = curve_of((report.step, report.value) for report in trial.reports)
        self._stop_at: float | None = None
        self.verdict: Verdict | None = None  #: the last one; one to stop is final

    @property
    def rungs(self) -> tuple[RungValue, ...]:
        """All rungs that the trial has reached."""
        return tuple(self._curve.rungs)

    @property
    def stop_reason(self) -> str | None:
        """Why the trial should stop; None while it should go on."""
        return None if self.verdict is None or not self.verdict.is_stop else self.verdict.reason

    def is_ignored(self) -> bool:
        """Whether the trial goes on although it should have stopped some time ago."""
        return self._stop_at is not None and self._clock() - self._stop_at >= OBEY_WITHIN_S

    def add(self, report: Report) -> bool:
        """Decide about a report; return whether it reached a rung or a verdict, which are stored at once."""
        reached = self._curve.add(report.step, report.value)
        if self.stop_reason is not None:
            return bool(reached)
        verdict = decide(self._policy(), self._curve, self._tid)
        if verdict is not None:
            self.verdict = verdict
            self._stop_at = self._clock() if verdict.is_stop else None
        return bool(reached) or verdict is not None
