"""The interface of an evaluator, and the reasons to stop one."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Failure, FailureKind, Result, Trial
from hpsearch_worker.messages import OnEvent


class StopReason(StrEnum):
    """Why an evaluation must end early."""

    TIMEOUT = "trial timeout"  #: the trial fails
    PRUNED = "pruned"  #: the trial should have stopped on its own
    CANCELLED = "cancelled"  #: the result is no longer needed
    LOST = "lease lost"  #: another worker has the trial
    DRAINED = "worker drained"  #: the trial returns to the queue
    UNLOADABLE = "objective cannot be loaded"  #: likewise
    REPLACED = "experiment was re-created"  #: likewise
    NOT_RUNNING = "search is paused or has ended"  #: likewise, before the evaluation began


class StoppedError(Exception):
    """An evaluation was stopped and has no result."""

    def __init__(self, why: StopReason) -> None:
        super().__init__(why)
        self.why = why


#: Called several times a second during an evaluation; returns why it must stop, or None.
StopCheck = Callable[[], StopReason | None]


class Evaluator(Protocol):
    """Evaluates one trial at a time, and is used for many."""

    def prepare(self, experiment: Experiment, should_stop: StopCheck) -> None:
        """Load the objective and the space of an experiment, once.

        Parameters
        ----------
        experiment : Experiment
            What to load.
        should_stop : callable
            Called several times a second, if loading happens in another process.

        Raises
        ------
        LoadError, SpaceError
            If this machine cannot load it.
        StoppedError
            If ``should_stop`` returned a reason.
        """
        ...

    def evaluate(
        self, trial: Trial, experiment: Experiment, should_stop: StopCheck, on_event: OnEvent
    ) -> Result:
        """Evaluate a trial.

        Parameters
        ----------
        trial : Trial
            Claimed by this worker.
        experiment : Experiment
            Its experiment.
        should_stop : callable
            Called several times a second.
        on_event : callable
            Receives reports and attachments while the objective runs.

        Raises
        ------
        StoppedError
            If ``should_stop`` returned a reason. A timeout is a result instead.
        LoadError, SpaceError
            If the objective had to be loaded again, and could not be.
        """
        ...

    def close(self) -> None:
        """End the processes that were started, and forget what was loaded."""
        ...


def timed_out(duration_s: float, log_tail: str | None = None) -> Result:
    """Return the result of an evaluation that took too long.

    Parameters
    ----------
    duration_s : float
        Seconds until it was stopped.
    log_tail : str, optional
        The end of its output.
    """
    message = f"The evaluation was stopped after {duration_s:.1f} s, its trial timeout."
    failure = Failure(kind=FailureKind.TIMEOUT, message=message, log_tail=log_tail)
    return Result(loss=None, error=failure, duration_s=duration_s)
