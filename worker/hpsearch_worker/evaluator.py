"""What evaluates a trial for a worker, and how it is stopped in the middle."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Failure, FailureKind, Result, Trial
from hpsearch_worker.messages import OnEvent


class Stop(StrEnum):
    """Why an evaluation should not go on."""

    TIMEOUT = "trial timeout"  #: the trial failed
    CANCELLED = "cancelled"  #: nobody wants the result
    LOST = "lease lost"  #: another worker has the trial
    DRAINED = "worker drained"  #: the trial goes back to the queue
    UNLOADABLE = "objective cannot be loaded"  #: likewise
    MADE_ANEW = "experiment was made anew"  #: likewise
    NOT_RUNNING = "search is paused or has ended"  #: likewise, before it began


class StoppedError(Exception):
    """An evaluation was stopped and has no result."""

    def __init__(self, why: Stop) -> None:
        super().__init__(why)
        self.why = why


#: Looked at several times a second during an evaluation.
Watch = Callable[[], Stop | None]


class Evaluator(Protocol):
    """Evaluates one trial at a time; reused for the next one."""

    def prepare(self, experiment: Experiment, watch: Watch) -> None:
        """Load the objective and the space of an experiment, once.

        Raises
        ------
        LoadError, SpaceError
            If this machine cannot.
        StoppedError
            If ``watch`` says so.
        """
        ...

    def evaluate(self, trial: Trial, experiment: Experiment, watch: Watch, on_event: OnEvent) -> Result:
        """Evaluate a trial of an experiment; ``on_event`` gets what its objective says meanwhile.

        Raises
        ------
        StoppedError
            If ``watch`` says so, for another reason than a timeout, which is a result.
        LoadError, SpaceError
            If the objective had to be loaded again, and could not be.
        """
        ...

    def close(self) -> None:
        """End what was started."""
        ...


def timed_out(duration_s: float, log_tail: str | None = None) -> Result:
    """Return the result of an evaluation that took too long."""
    message = f"The evaluation was stopped after {duration_s:.1f} s, its trial timeout."
    failure = Failure(kind=FailureKind.TIMEOUT, message=message, log_tail=log_tail)
    return Result(loss=None, error=failure, duration_s=duration_s)
