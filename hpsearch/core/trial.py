"""A trial and its life, as values and one table.

::

    pending ──claim──► running ──finish──► done
       │   ◄──release/──┘ │  └───fail────► failed
       └──cancel──► cancelled ◄──cancel──┘

Nothing here reads a clock or talks to a database: a transition returns a new
value, and an illegal one raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hpsearch.space.tree import Values


class State(StrEnum):
    """Where a trial is in its life."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether no move leads out of this state."""
        return not MOVES[self]


#: Every legal move. Running leads back to pending when a lease expires or a worker drains. A result
#: that arrives after that, but before another claim, counts as if the trial were still running.
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PENDING: frozenset({State.RUNNING, State.CANCELLED}),
        State.RUNNING: frozenset({State.PENDING, State.DONE, State.FAILED, State.CANCELLED}),
        State.DONE: frozenset(),
        State.FAILED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)

#: The states in which the objective has had its say: what a budget counts.
FINISHED = frozenset({State.DONE, State.FAILED})


class FailureKind(StrEnum):
    """Why a trial has no loss, or lost a part of its result."""

    EXCEPTION = "exception"  #: the objective raised
    EXIT = "exit"  #: the objective ended its process
    SIGNAL = "signal"  #: a signal ended its process (segmentation fault, out of memory)
    TIMEOUT = "timeout"  #: it ran longer than the trial timeout
    INVALID_RESULT = "invalid_result"  #: it returned something that is not a loss
    NAN = "nan"  #: its loss was not a number
    REPORTED = "reported"  #: it returned the status "fail"
    LOST = "lost"  #: its workers vanished as often as the trial may be tried
    UNSTORABLE = "unstorable"  #: the loss stands, but a part of the result could not be stored
    UNREADABLE = "unreadable"  #: somebody altered its document, so that it cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, in the words a user needs to mend it."""

    kind: FailureKind  #: the class of the failure
    message: str  #: one sentence
    type: str | None = None  #: qualified name of the exception
    traceback: str | None = None  #: as Python prints it
    exit_code: int | None = None  #: of the evaluating process
    signal: str | None = None  #: name of the signal that ended the process
    log_tail: str | None = None  #: the last output of the evaluation, at most 64 KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An intermediate value that the objective reported."""

    step: float  #: position on the objective's own axis: epoch, fold, batch
    value: float  #: what was measured there
    at: datetime | None = None  #: when the store heard of it, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt ended that was not the last one."""

    attempt: int  #: the number of the attempt
    worker: str | None  #: name of the worker that held it
    ended_at: datetime  #: server time, UTC
    why: str  #: "lease expired" or the worker's reason for giving it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The worker that holds, or last held, a trial."""

    name: str  #: unique in the fleet
    host: str  #: host name
    pid: int  #: process number on that host


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one evaluation of the objective came to."""

    loss: float | None  #: finite or infinite, never NaN; None when the evaluation failed
    result: Mapping[str, Any] = field(
        default_factory=dict
    )  #: all it returned, as values that a database can hold
    error: Failure | None = None  #: set when there is no loss, or when part of the result was dropped
    duration_s: float = 0.0  #: wall time of the evaluation, in seconds
    objective: str | None = None  #: the first digits of the fingerprint of the code that was called

    @property
    def state(self) -> State:
        """The state that this result moves its trial to."""
        return State.FAILED if self.loss is None else State.DONE

    def telling(self, problems: Sequence[str]) -> Result:
        """Return this result with sentences about what was not kept, which cost it nothing else."""
        if not problems:
            return self
        error = self.error or Failure(kind=FailureKind.UNSTORABLE, message="")
        message = " ".join([error.message, *problems]).strip()
        return replace(self, error=replace(error, message=message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One point of the search space and what became of it; never mutated, only replaced."""

    exp_key: str  #: the experiment it belongs to
    exp_created_at: datetime | None = None  #: when that was made, which tells it from another of its name
    tid: int  #: number within the experiment, dense, in order of suggestion
    values: Values  #: active parameters only, as the suggester works with them
    params: Mapping[str, Any] = field(default_factory=dict)  #: the same, as a person reads them
    origin: str = "random"  #: the algorithm that suggested it
    state: State = State.PENDING
    priority: int = 0  #: higher is claimed first
    attempt: int = 0  #: raised by one with each claim
    max_attempts: int = 3  #: claims that may be lost before the trial counts as failed
    lease_s: float = 60.0  #: seconds that a claim holds without a renewal
    owner: str | None = None  #: fresh random token of the current claim
    worker: Holder | None = None  #: who holds, or last held, the trial
    created_at: datetime | None = None  #: server time, UTC, as all times below
    claimed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    lease_until: datetime | None = None  #: set exactly while the state is running
    finished_at: datetime | None = None
    duration_s: float | None = None  #: wall time of the evaluation, in seconds
    loss: float | None = None  #: set exactly when the state is done
    result: Mapping[str, Any] = field(default_factory=dict)  #: all that the objective returned
    objective: str | None = None  #: the first digits of the fingerprint of the code that was called
    reports: tuple[Report, ...] = ()
    error: Failure | None = None
    history: tuple[Ended, ...] = ()  #: attempts that ended without a result

    @property
    def id(self) -> str:
        """The primary key, ``exp_key/tid``."""
        return trial_id(self.exp_key, self.tid)

    def moved(self, to: State, **changes: Any) -> Trial:
        """Return this trial in another state.

        Raises
        ------
        ValueError
            If ``MOVES`` does not allow it.
        """
        if to not in MOVES[self.state]:
            raise ValueError(f"trial {self.id} cannot go from {self.state} to {to}")
        return replace(self, state=to, **changes)


def is_unreadable(trial: Trial) -> bool:
    """Whether the trial stands for a document that cannot be read."""
    return trial.error is not None and trial.error.kind is FailureKind.UNREADABLE


def trial_id(exp_key: str, tid: int) -> str:
    """Return the primary key of a trial."""
    return f"{exp_key}/{tid:06d}"
