"""An experiment: what is searched, how, and for how long.

The space is held in its JSON form, so that reading an experiment imports nothing
of the user's; whoever samples or evaluates decodes it with ``Space.from_json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

#: The algorithm of an experiment that only the script which began it can make suggestions for.
SCRIPTED = "script"

#: Characters in the name of an experiment.
_MAX_KEY = 100

#: The share of an experiment that was given none, and the largest there is.
DEFAULT_PRIORITY, HIGHEST_PRIORITY = 1, 1_000_000

#: What tells an experiment from another of its name: the name, and when it was made.
Identity = tuple[str, datetime | None]

#: The same with the fingerprint of its objective's code.
Code = tuple[str, datetime | None, str | None]


class ExperimentState(StrEnum):
    """What the coordinator should do with an experiment."""

    RUNNING = "running"  #: suggest and collect
    PAUSED = "paused"  #: collect, suggest nothing new
    STOPPED = "stopped"  #: a user ended it; a coordinator that leads it winds down
    DONE = "done"  #: its budget is spent

    @property
    def is_over(self) -> bool:
        """Whether the search has ended, until somebody takes it up again."""
        return self in {ExperimentState.STOPPED, ExperimentState.DONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a search is over; the first limit that is reached ends it."""

    max_evals: int | None = None  #: finished trials in the whole experiment
    timeout_s: float | None = None  #: seconds for which it is led, from ``Experiment.started_at`` on
    loss_threshold: float | None = None  #: end once a loss is at or below it
    no_repeats: bool = False  #: try no point of a finite space twice, and end once all were tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A suggester by name, with its options."""

    name: str = "auto"  #: one of ``suggest.algorithms.ALGORITHMS``, or ``SCRIPTED``
    options: Mapping[str, Any] = field(
        default_factory=dict
    )  #: what is set by name; the rest keeps its default


#: Parts of an objective that are kept to tell in what two of them differ.
MAX_PARTS = 500

#: The kind of an objective that is sent to the workers instead of being named to them.
BY_VALUE = "pickle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRef:
    """Where a worker finds the objective: on its own disk, or, signed, beside the experiment."""

    kind: str  #: "import" (``package.module:name``), "file" (``path/file.py:name``), "pickle", or "undecided"
    ref: str  #: what follows the kind; of a pickle, the name for people
    path: str | None = None  #: for a file: its absolute path where the experiment was made
    paths: tuple[str, ...] = ()  #: for a file: where else it was when somebody joined, the latest first
    digest: str | None = None  #: of a pickle: the fingerprint of what it holds
    nonce: str | None = (
        None  #: of a pickle: random text that is signed with it, so that it fits no other search
    )
    fingerprint: str | None = None  #: of a file or a module: of the function's code and of what that uses
    source: str | None = None  #: of a file or a module: the digest of its text; for people
    parts: Mapping[str, str] = field(default_factory=dict)  #: what it uses, as short digests

    @property
    def identity(self) -> str:
        """What must agree when an experiment is joined: the name, not the folder it lies in.

        Of an objective by value also what it does, as far as its fingerprint tells.
        """
        if self.digest is not None:
            return f"{self.ref} ({self.digest[:16]})"
        return self.ref.rsplit("/", 1)[-1] if self.kind == "file" else self.ref


def changed_parts(there: ObjectiveRef, here: ObjectiveRef) -> list[str]:
    """Return the names of the parts in which the code of two objectives differs; none if either is unknown.

    A part that only one of them has counts if both have others of its module: a module may belong to the
    program on one machine, and be an installed package on another.
    """
    if None in (there.fingerprint, here.fingerprint) or there.fingerprint == here.fingerprint:
        return []
    shared = set(map(_module_of, there.parts)) & set(map(_module_of, here.parts))
    names = sorted(there.parts.keys() | here.parts.keys())
    changed = [name for name in names if there.parts.get(name) != here.parts.get(name)]
    found = [
        name for name in changed if _module_of(name) in shared or (name in there.parts and name in here.parts)
    ]
    is_cut = MAX_PARTS in (len(there.parts), len(here.parts))
    return found or (["a part that is not listed"] if is_cut else [])


def _module_of(part: str) -> str:
    return part.removesuffix("()").rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveChange:
    """A change of the code of an objective that somebody accepted."""

    at: datetime  #: server time, UTC
    before: str | None  #: the fingerprint of the code until then
    after: str  #: the fingerprint of the code from then on


#: The objective of an experiment that was imported, until somebody goes on with it.
UNDECIDED = ObjectiveRef(kind="undecided", ref="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What applies to each trial unless a worker says otherwise."""

    max_attempts: int = 3  #: claims that may be lost before a trial counts as failed
    trial_timeout_s: float | None = None  #: seconds one evaluation may take
    lease_s: float = 60.0  #: seconds a claim holds without a heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """For how long coordinators have led a search in one of its runs.

    The sum of what each measured by its own monotonic clock: a step of the store's clock changes nothing,
    and the time in which no coordinator led does not count.
    """

    seconds: float
    since: datetime | None  #: ``Experiment.started_at`` of that run


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One search."""

    exp_key: str  #: its name
    space: Mapping[str, Any]  #: ``Space.to_json()``
    space_fingerprint: str  #: equal exactly for equal spaces
    objective: ObjectiveRef
    objective_changes: tuple[ObjectiveChange, ...] = ()  #: those that were accepted, the oldest first
    algorithm: Algorithm = field(default_factory=Algorithm)
    seed: int = 0  #: root of the seed sequence of every trial
    lag: int | None = None  #: trial n learns from exactly those before n - lag; None: from all that ended
    budget: Budget = field(default_factory=Budget)
    defaults: Defaults = field(default_factory=Defaults)
    priority: int = DEFAULT_PRIORITY  #: share of the claims of the workers it shares; 0: only what is left
    state: ExperimentState = ExperimentState.RUNNING
    ended_why: str | None = None  #: the reason, once it is done or stopped
    created_at: datetime | None = None  #: server time, UTC
    started_at: datetime | None = None  #: start of the current run
    elapsed: Elapsed | None = None  #: as of the leader's last renewal; None where an older hpsearch led
    led_until: datetime | None = None  #: a coordinator leads it, or did, until then
    lead_lease_s: float | None = None  #: length of that lease; None where an older hpsearch led

    @property
    def identity(self) -> Identity:
        """What tells it from another that was made under its name once it was deleted."""
        return self.exp_key, self.created_at

    @property
    def code(self) -> Code:
        """Key of what a process has loaded of it: another after its objective was changed."""
        return *self.identity, self.objective.fingerprint or self.objective.digest

    def is_led(self, now: datetime) -> bool:
        """Whether a coordinator leads it at a time of the store's clock.

        A lease that ends later than twice its length from now was written before that clock was set back.
        A leader that lives renews it within half its length; until then it does not count.
        """
        if self.led_until is None or self.led_until <= now:
            return False
        return self.lead_lease_s is None or self.led_until <= now + timedelta(seconds=2 * self.lead_lease_s)

    def elapsed_s(self, now: datetime) -> float:
        """Return for how many seconds the current run has been led, at a time of the store's clock."""
        if self.started_at is None:
            return 0.0
        if self.elapsed is None or self.elapsed.since != self.started_at:
            return max(0.0, (now - self.started_at).total_seconds())
        if self.state.is_over or self.led_until is None or self.lead_lease_s is None or not self.is_led(now):
            return self.elapsed.seconds
        # The leader has measured more than it has stored: what has passed since its last renewal.
        renewed_at = self.led_until - timedelta(seconds=self.lead_lease_s)
        return self.elapsed.seconds + max(0.0, (now - renewed_at).total_seconds())


def check_priority(priority: int) -> int:
    """Return the priority of an experiment.

    Raises
    ------
    ValueError
        If it is out of bounds.
    """
    if not 0 <= priority <= HIGHEST_PRIORITY:
        raise ValueError(f"the priority of an experiment is from 0 to {HIGHEST_PRIORITY}, not {priority}")
    return priority


def is_exp_key(text: str) -> bool:
    """Whether a text can name an experiment: the name stands in identifiers, and is that of a folder."""
    return text.isprintable() and "/" not in text and 0 < len(text.strip(". ")) <= _MAX_KEY


def bad_exp_key(text: str) -> str:
    """Return the sentence about a text that cannot."""
    return f"{text!r} cannot name a search; use up to {_MAX_KEY} printable characters without a slash."
