"""A trial and its states; ``MOVES`` is the table of legal transitions.

::

    pending ──claim──► running ──finish──► done
       │   ◄──release/──┘ │  ├───fail────► failed
       │                  │  └───prune───► pruned
       └──cancel──► cancelled ◄──cancel

A transition returns a new value; an illegal one raises.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hpsearch.core.outcomes import total_violation

if TYPE_CHECKING:
    from hpsearch.core.stopping.curve import RungValue
    from hpsearch.core.stopping.verdict import Verdict
    from hpsearch.space.tree import Values


class State(StrEnum):
    """The state of a trial."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    PRUNED = "pruned"  # stopped early, because it would hardly have become the best
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether no transition leaves this state."""
        return not MOVES[self]


#: Every legal transition. A running trial returns to pending when its lease expires or its worker drains. A
#: result that arrives after an expiry and before another claim counts as if the trial were still running.
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PENDING: frozenset({State.RUNNING, State.CANCELLED}),
        State.RUNNING: frozenset({State.PENDING, State.DONE, State.FAILED, State.PRUNED, State.CANCELLED}),
        State.DONE: frozenset(),
        State.FAILED: frozenset(),
        State.PRUNED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)

#: Name of the attachment with the end of what a trial printed.
OUTPUT_NAME = "hpsearch.output"

#: The states after an evaluation, which a budget counts.
FINISHED = frozenset({State.DONE, State.FAILED, State.PRUNED})


class FailureKind(StrEnum):
    """Why a trial has no loss, or an incomplete result."""

    EXCEPTION = "exception"  #: the objective raised an exception
    EXIT = "exit"  #: the objective ended its process
    SIGNAL = "signal"  #: a signal ended its process (segmentation fault, out of memory)
    TIMEOUT = "timeout"  #: it ran longer than the trial timeout
    INVALID_RESULT = "invalid_result"  #: it returned no valid result
    NAN = "nan"  #: its loss was not a number
    REPORTED = "reported"  #: it returned the status "fail"
    LOST = "lost"  #: its leases expired ``max_attempts`` times
    UNSTORABLE = "unstorable"  #: the loss is valid, but a part of the result cannot be stored
    UNREADABLE = "unreadable"  #: its document is corrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, with what a user needs to fix it."""

    kind: FailureKind  #: kind of the failure
    message: str  #: one sentence
    type: str | None = None  #: qualified name of the exception
    traceback: str | None = None  #: as Python prints it
    exit_code: int | None = None  #: of the evaluating process
    signal: str | None = None  #: name of the signal that ended the process
    log_tail: str | None = None  #: end of the evaluation's output, at most 64 KiB

    @property
    def reason(self) -> str:
        """The reason in one word: the type of the exception, the signal, or the kind."""
        return self.type or self.signal or str(self.kind)

    @property
    def text(self) -> str:
        """The reason, and the first line of the message."""
        message = self.message.strip().split("\n", 1)[0]
        return f"{self.reason}: {message}" if message else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An intermediate value from the objective."""

    step: float  #: position on the objective's axis: epoch, fold, batch
    value: float  #: the measured value
    at: datetime | None = None  #: store time, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPointer:
    """Where the next attempt of a trial goes on."""

    step: float  #: position on the objective's axis, as for reports
    attempt: int  #: the first attempt that came this far
    at: datetime  #: store time, UTC
    n_bytes: int = 0  #: size of the file
    file: str | None = None  #: name of the file with its content; deleted once the trial is final
    path: str | None = None  #: where the objective keeps its content, if not here


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of an attempt without a result."""

    attempt: int  #: the number of the attempt
    worker: str | None  #: name of the worker that held it
    ended_at: datetime  #: server time, UTC
    why: str  #: "lease expired" or the worker's reason for releasing the trial
    step: float | None = None  #: step of its checkpoint, from which the next attempt goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """A mark beside a finished trial: its result is wrong, and must not count."""

    at: datetime  #: store time, UTC
    why: str  #: the reason that the user gave; may be empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The worker that holds, or last held, a trial."""

    name: str  #: unique in the fleet
    host: str  #: host name
    pid: int  #: process number on that host


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one evaluation of the objective."""

    loss: float | None  #: finite or infinite, never NaN; None when the evaluation failed
    losses: Mapping[str, float] | None = None  #: instead of the loss in a search with several objectives
    violations: Mapping[str, float] | None = None  #: amounts by limit, if the search has declared outcomes
    result: Mapping[str, Any] = field(default_factory=dict)  #: all that the objective returned, storable
    error: Failure | None = None  #: set if there is no loss, or if part of the result was dropped
    duration_s: float = 0.0  #: wall time of the evaluation, in seconds
    objective: str | None = None  #: first digits of the fingerprint of the evaluated code
    pruned: str | None = None  #: why the evaluation was stopped early; it then has no loss

    @property
    def state(self) -> State:
        """The state of the trial after this result."""
        if self.pruned is not None:
            return State.PRUNED
        return State.FAILED if self.loss is None and self.losses is None else State.DONE

    def with_problems(self, problems: Sequence[str]) -> Result:
        """Return this result with sentences about dropped parts in its error."""
        if not problems:
            return self
        error = self.error or Failure(kind=FailureKind.UNSTORABLE, message="")
        message = " ".join([error.message, *problems]).strip()
        return replace(self, error=replace(error, message=message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One evaluation of the objective; never mutated, only replaced."""

    exp_key: str  #: name of its experiment
    exp_created_at: datetime | None = None  #: distinguishes re-created experiments
    tid: int  #: number within the experiment, dense, in order of suggestion
    values: Values  #: raw values of the active parameters
    params: Mapping[str, Any] = field(default_factory=dict)  #: the same for display
    origin: str = "random"  #: the algorithm that suggested it
    state: State = State.PENDING
    priority: int = 0  #: higher is claimed first
    attempt: int = 0  #: number of claims so far
    max_attempts: int = 3  #: leases that may expire before the trial fails
    lease_s: float = 60.0  #: seconds that a claim lasts without a renewal
    owner: str | None = None  #: random token of the current claim
    worker: Holder | None = None  #: the current or last holder
    created_at: datetime | None = None  #: store time, UTC, like all times below
    claimed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    lease_until: datetime | None = None  #: set if and only if the state is running
    finished_at: datetime | None = None
    duration_s: float | None = None  #: wall time of the evaluation, in seconds
    loss: float | None = None  #: set if and only if the state is done, and there is one objective
    losses: Mapping[str, float] | None = (
        None  #: by objective, as returned; set if done, and there are several
    )
    #: by limit, how much it is exceeded if positive; set if done, and the search has limits or several losses
    violations: Mapping[str, float] | None = None
    result: Mapping[str, Any] = field(default_factory=dict)  #: all that the objective returned
    objective: str | None = None  #: first digits of the fingerprint of the evaluated code
    reports: tuple[Report, ...] = ()
    error: Failure | None = None
    pruned: str | None = None  #: why it was stopped early; set if and only if the state is pruned
    checkpoint: CheckpointPointer | None = None  #: the last one
    rungs: tuple[RungValue, ...] = ()  #: its values at the steps where trials are compared, with a pruner
    verdict: Verdict | None = None  #: the last decision of the pruner
    history: tuple[Ended, ...] = ()  #: attempts that ended without a result
    note: str | None = None  #: what a user wrote about it
    tags: tuple[str, ...] = ()  #: words by which a user finds it, sorted
    invalid: Invalid | None = None  #: set if a user marked the finished trial; the result stays as it is

    @property
    def id(self) -> str:
        """The primary key, ``exp_key/tid``."""
        return trial_id(self.exp_key, self.tid)

    @property
    def violation(self) -> float | None:
        """The sum of the amounts by which limits are exceeded; None without declared outcomes."""
        return None if self.violations is None else total_violation(self.violations.values())

    @property
    def feasible(self) -> bool | None:
        """Whether the trial keeps all limits; None without declared outcomes."""
        return None if self.violations is None else self.violation == 0.0

    @property
    def ranked_loss(self) -> float | None:
        """The loss by which the trial may be the best; None if it exceeds a limit."""
        return None if self.feasible is False else self.loss

    @property
    def has_loss(self) -> bool:
        """Whether it has a loss, or several, none of them NaN."""
        losses = [self.loss] if self.losses is None else self.losses.values()
        return all(loss is not None and not math.isnan(loss) for loss in losses)

    def _repr_html_(self) -> str:
        from hpsearch.core.html import trial_html

        return trial_html(self)

    def point(self) -> Trial:
        """Return a trial with only the fields needed for learning; the result may be large."""
        return Trial(
            exp_key=self.exp_key,
            tid=self.tid,
            values=self.values,
            state=self.state,
            loss=self.loss,
            losses=self.losses,
            violations=self.violations,
            finished_at=self.finished_at,
            invalid=self.invalid,
        )

    def moved(self, to: State, **changes: Any) -> Trial:
        """Return this trial in another state.

        Parameters
        ----------
        to : State
            The new state.
        **changes
            New values of other fields.

        Raises
        ------
        ValueError
            If ``MOVES`` does not allow the transition.
        """
        if to not in MOVES[self.state]:
            raise ValueError(f"trial {self.id} cannot go from {self.state} to {to}")
        return replace(self, state=to, **changes)


def is_unreadable(trial: Trial) -> bool:
    """Whether the trial replaces a corrupt document."""
    return trial.error is not None and trial.error.kind is FailureKind.UNREADABLE


def trial_id(exp_key: str, tid: int) -> str:
    """Return the primary key of a trial.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    tid : int
        Number of the trial, not negative.
    """
    return f"{exp_key}/{tid:06d}"
