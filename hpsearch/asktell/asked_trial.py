"""A trial that the caller evaluates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Failure, FailureKind, Result, State, Trial
from hpsearch.errors import LeaseLostError, ResultError
from hpsearch.objective.current_trial import CurrentTrial, typed
from hpsearch.objective.evaluation import failed_by, result_of
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch_worker.heartbeat import Heartbeat, HeldTrial
from hpsearch_worker.results import store_attachments, store_result
from hpsearch_worker.trial_counts import Outcome


class AskedTrial:
    """A trial under the lease of this process, which a thread renews until the trial ends or is given back.

    As a context manager, it fails the trial if the block raises an exception, and gives it back if the block
    tells nothing or is interrupted.

    Parameters
    ----------
    trial : Trial
        As it was claimed.
    config : object
        The configuration to evaluate.
    store : TrialStore
        Holds the trial.
    heartbeat : Heartbeat
        Renews its lease.
    on_end : callable
        Called with the trial's number and outcome once this process no longer holds it.
    goal : Goal
        The number of the result from which the loss comes.
    outcomes : Outcomes, optional
        Several objectives, or limits.

    Attributes
    ----------
    config : object
        The configuration to evaluate.
    """

    def __init__(
        self,
        trial: Trial,
        config: Any,
        store: TrialStore,
        heartbeat: Heartbeat,
        on_end: Callable[[AskedTrial, Outcome], None],
        goal: Goal = LOSS,
        outcomes: Outcomes | None = None,
    ) -> None:
        self.config = config
        self._trial, self._store, self._heartbeat, self._on_end = trial, store, heartbeat, on_end
        self._goal, self._outcomes = goal, outcomes
        self._began_at = time.monotonic()
        self._holding: AbstractContextManager[HeldTrial] = heartbeat.holding(trial, goal)
        self._held = self._holding.__enter__()
        self._current = CurrentTrial(
            exp_key=trial.exp_key,
            tid=trial.tid,
            attempt=trial.attempt,
            values=trial.values,
            on_report=self._held.on_event,
            on_attach=self._held.on_event,
        )
        self._written: Result | None = None
        self._is_held = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._trial.id} {dict(self.params)}>"

    @property
    def tid(self) -> int:
        """Number of the trial within the search."""
        return self._trial.tid

    @property
    def attempt(self) -> int:
        """Number of the claim; above 1 if an earlier holder lost the trial or gave it back."""
        return self._trial.attempt

    @property
    def params(self) -> Mapping[str, Any]:
        """The active parameters by label, an option of a choice by its value or name."""
        return self._trial.params

    @property
    def should_stop(self) -> bool:
        """Whether the trial was cancelled, or its lease is lost: its result is no longer needed."""
        return self._is_held and self._held.lease is not LeaseStatus.HELD

    def report(self, step: float, value: float) -> None:
        """Record an intermediate value, as ``CurrentTrial.report`` does.

        Parameters
        ----------
        step : float
            Position: epoch, fold, batch, ...
        value : float
            The measured value.
        """
        self._current.report(step, value)

    def attach(self, name: str, data: bytes) -> None:
        """Store bytes with the trial when its result is written, as ``CurrentTrial.attach`` does.

        Parameters
        ----------
        name : str
            Replaces an earlier attachment of this name.
        data : bytes
            Any size that fits into memory.
        """
        self._current.attach(name, data)

    def tell(self, result: Any = None, *, failed: str | None = None) -> None:
        """Write the result of the evaluation; telling the same again changes nothing.

        Parameters
        ----------
        result : float or mapping
            The loss, or a mapping with ``loss`` or the declared objectives and anything else, as an objective
            returns it. A loss that is NaN fails the trial.
        failed : str, optional
            Why the evaluation failed, instead of a result.

        Raises
        ------
        ResultError
            If it is no result, or differs from an earlier one; the trial is still held.
        LeaseLostError
            If the trial was cancelled, or is held by another process; nothing is changed.
        """
        if failed is not None:
            found = Result(loss=None, error=Failure(kind=FailureKind.REPORTED, message=failed))
        else:
            found = result_of(result, self._current, self._goal, self._outcomes)
        if found.error is not None and found.error.kind is FailureKind.INVALID_RESULT:
            if self._outcomes is not None:
                raise ResultError(f"{found.error.message} Trial {self.tid} is unchanged.")
            text = "tell() takes a number, a mapping with the loss, or failed='why'"
            raise ResultError(f"{text}; trial {self.tid} got {typed(result)}.")
        self._finish(found)

    def give_back(self, why: str = "given back") -> None:
        """Return the trial to the queue; the attempt does not count as lost.

        Parameters
        ----------
        why : str
            The reason, for the history of the trial.
        """
        if self._is_held:
            try:
                self._store.release(self._trial, why)
            finally:
                self._end(Outcome.RELEASED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_held:
            return
        with suppress(LeaseLostError):  # a normal outcome: the result belongs to another process
            if isinstance(error, Exception):
                self._finish(failed_by(error))
            else:
                self.give_back()

    def _finish(self, found: Result) -> None:
        """Write a result, and stop holding the trial."""
        if self._written is not None:
            if replace(found, duration_s=self._written.duration_s) != self._written:
                raise ResultError(f"Trial {self._trial.id} has another result already.")
            return
        if not self._is_held:
            raise LeaseLostError(self._trial.id)
        found = replace(found, duration_s=time.monotonic() - self._began_at)
        self._heartbeat.write_reports(self._held)  # a finished trial accepts no more reports
        try:
            stored = store_attachments(self._store, self._trial, self._held.attachments, found)
            store_result(self._store, self._trial, stored)
        except LeaseLostError:
            self._end(Outcome.LOST)
            raise
        self._written = found
        self._end(Outcome.DONE if found.state is State.DONE else Outcome.FAILED)

    def _end(self, outcome: Outcome) -> None:
        self._is_held = False
        self._current.close()
        self._holding.__exit__(None, None, None)
        self._on_end(self, outcome)
