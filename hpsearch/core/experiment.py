"""An experiment: its space, objective, algorithm and budget.

The space is in JSON form, so that reading an experiment imports no code of the user;
``Space.from_json`` decodes it for sampling and evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hpsearch.core.choices import HIGHEST_PRIORITY
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.warm_start import WarmStart

#: The algorithm of an experiment whose suggestions come from the script that started it.
SCRIPTED = "script"

#: Most characters in the name of an experiment.
_MAX_KEY = 100

#: The default priority of an experiment, and the highest.
DEFAULT_PRIORITY = 1

#: Name and creation time, which distinguish re-created experiments of one name.
Identity = tuple[str, datetime | None]

#: The identity and the fingerprint of the objective's code.
Code = tuple[str, datetime | None, str | None]


class ExperimentState(StrEnum):
    """What the coordinator does with an experiment."""

    RUNNING = "running"  #: suggests trials and collects results
    PAUSED = "paused"  #: collects results, suggests nothing
    STOPPED = "stopped"  #: a user ended it; its coordinator stops
    DONE = "done"  #: the budget is spent

    @property
    def is_over(self) -> bool:
        """Whether the experiment has ended; joining it starts a new run."""
        return self in {ExperimentState.STOPPED, ExperimentState.DONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of a search; the first one reached ends it."""

    max_evals: int | None = None  #: finished trials in the whole experiment
    timeout_s: float | None = None  #: seconds under a leader since ``Experiment.started_at``
    loss_threshold: float | None = None  #: end once a loss is this or lower
    until: str | None = None  #: end once a trial on the front, or the best one, fulfils this condition
    until_worth: float | None = None  #: end once an hour more is forecast to improve the loss by less
    max_steps: float | None = None  #: sum over the trials of the last step that each reported
    no_repeats: bool = False  #: try no point of a finite space twice, and end after the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A suggester by name, with its options."""

    name: str = "auto"  #: one of ``suggest.algorithms.ALGORITHMS``, or ``SCRIPTED``
    options: Mapping[str, Any] = field(default_factory=dict)  #: by name; others have their defaults


#: Most parts of an objective that are stored, to describe how two versions differ.
MAX_PARTS = 500

#: The kind of an objective that is sent to the workers by value instead of by name.
BY_VALUE = "pickle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRef:
    """Where a worker finds the objective: on its own disk, or signed in an attachment of the experiment."""

    #: "import" (``package.module:name``), "file" (``path/file.py:name``), "pickle", "command", "asked", or
    #: "undecided"
    kind: str
    ref: str  #: the name in the form of the kind; for a pickle or a command, a text for display
    path: str | None = None  #: for a file: absolute path on the machine that created the experiment
    paths: tuple[str, ...] = ()  #: for a file: paths on machines that joined, latest first
    digest: str | None = None  #: fingerprint of the content of a pickle, or of a command's template
    nonce: str | None = None  #: for a pickle: random text in its signature, which binds it to the experiment
    fingerprint: str | None = None  #: for a file or module: of the function and the code it uses
    source: str | None = None  #: for a file or module: digest of the text; for display
    parts: Mapping[str, str] = field(default_factory=dict)  #: short digests of the code and values it uses
    command: tuple[str, ...] = ()  #: for a command: its words, with holes for the parameters
    config_template: str | None = None  #: for a command: text of its configuration file, with holes

    @property
    def identity(self) -> str:
        """What must be equal to join an experiment: the name without the folder.

        For an objective by value, and a command with a template of its configuration file, it includes the
        fingerprint of the content.
        """
        if self.digest is not None:
            return f"{self.ref} ({self.digest[:16]})"
        return self.ref.rsplit("/", 1)[-1] if self.kind == "file" else self.ref


def changed_parts(there: ObjectiveRef, here: ObjectiveRef) -> list[str]:
    """Return the names of the parts in which the code of two objectives differs.

    A part that only one of them has counts if both have other parts of its module: a module may belong to
    the program on one machine and to an installed package on another.

    Parameters
    ----------
    there : ObjectiveRef
        The stored objective.
    here : ObjectiveRef
        The objective on this machine.

    Returns
    -------
    list of str
        Empty if they are equal, or if one has no fingerprint.
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
    """An accepted change of the code of an objective."""

    at: datetime  #: server time, UTC
    before: str | None  #: fingerprint of the code before
    after: str  #: fingerprint of the code after


#: The kind of an objective that is a program.
COMMAND = "command"

#: The objective of an experiment whose trials are evaluated by the processes that ask for them.
ASKED = ObjectiveRef(kind="asked", ref="ask and tell")

#: The objective of an imported experiment until it is joined.
UNDECIDED = ObjectiveRef(kind="undecided", ref="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Settings of each trial unless a worker overrides them."""

    max_attempts: int = 3  #: leases that may expire before a trial fails
    trial_timeout_s: float | None = None  #: seconds that an evaluation may take
    lease_s: float = 60.0  #: seconds that a claim lasts without a renewal


class PruneMode(StrEnum):
    """What happens to a trial that should stop."""

    ASK = "ask"  #: its objective learns it from ``should_stop``
    KILL = "kill"  #: likewise, and its evaluation is ended if it goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruner:
    """Which trials of an experiment are stopped early."""

    name: str = "none"  #: one of ``suggest.names.PRUNERS``
    options: Mapping[str, Any] = field(default_factory=dict)  #: by name; others have their defaults
    max_resource: float | None = None  #: last step of a full trial; by default that of the longest done one
    min_resource: float | None = None  #: step before which no trial is stopped
    mode: PruneMode = PruneMode.ASK

    @property
    def is_on(self) -> bool:
        """Whether any trial may be stopped."""
        return self.name != "none"


#: Stops no trial.
NO_PRUNER = Pruner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """For how long coordinators have led one run of an experiment.

    The sum of the times that each measured by its own monotonic clock: steps of the store's clock have no
    effect, and the time without a leader does not count.
    """

    seconds: float  #: not negative
    since: datetime | None  #: ``Experiment.started_at`` of that run


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One search."""

    exp_key: str  #: its name
    space: Mapping[str, Any]  #: ``Space.to_json()``
    space_fingerprint: str  #: equal if and only if the spaces are equal
    objective: ObjectiveRef
    objective_changes: tuple[ObjectiveChange, ...] = ()  #: accepted changes, oldest first
    goal: Goal = LOSS  #: which number of the result is the loss, and how views show it
    outcomes: Outcomes | None = None  #: several objectives, which have no goal, or limits
    algorithm: Algorithm = field(default_factory=Algorithm)
    seed: int = 0  #: root of the seed sequence of every trial
    lag: int | None = None  #: trial n learns from exactly those before n - lag; None: from all final ones
    warm_start: WarmStart | None = None  #: what it learned from earlier searches at its creation
    budget: Budget = field(default_factory=Budget)
    defaults: Defaults = field(default_factory=Defaults)
    pruner: Pruner = NO_PRUNER
    priority: int = DEFAULT_PRIORITY  #: share of the claims of shared workers; 0: only idle ones
    state: ExperimentState = ExperimentState.RUNNING
    ended_why: str | None = None  #: the reason, if it is done or stopped
    note: str | None = None  #: what a user wrote about it
    tags: tuple[str, ...] = ()  #: words by which a user finds it, sorted
    revision: int = 0  #: grows when a user marks or adds trials, so that a coordinator reads them again
    created_at: datetime | None = None  #: server time, UTC
    started_at: datetime | None = None  #: start of the current run
    elapsed: Elapsed | None = None  #: as of the leader's last renewal; None where an older hpsearch led
    led_until: datetime | None = None  #: end of the current or last leader's lease
    lead_lease_s: float | None = None  #: length of that lease in seconds; None where an older hpsearch led

    def _repr_html_(self) -> str:
        from hpsearch.core.html import experiment_html

        return experiment_html(self)

    @property
    def has_several_objectives(self) -> bool:
        """Whether its trials have several losses instead of one."""
        return self.outcomes is not None and self.outcomes.has_several_objectives

    @property
    def identity(self) -> Identity:
        """Key that distinguishes re-created experiments."""
        return self.exp_key, self.created_at

    @property
    def code(self) -> Code:
        """Key for caching its objective in a process; it changes with the code."""
        return *self.identity, self.objective.fingerprint or self.objective.digest

    def is_led(self, now: datetime) -> bool:
        """Whether a coordinator leads it at a time of the store's clock.

        A lease that ends later than twice its length from now was written before the clock was set back.
        It does not count until a live leader renews it, within half its length.
        """
        if self.led_until is None or self.led_until <= now:
            return False
        return self.lead_lease_s is None or self.led_until <= now + timedelta(seconds=2 * self.lead_lease_s)

    def elapsed_s(self, now: datetime) -> float:
        """Return for how many seconds the current run has been led at a time of the store's clock."""
        if self.started_at is None:
            return 0.0
        if self.elapsed is None or self.elapsed.since != self.started_at:
            return max(0.0, (now - self.started_at).total_seconds())
        if self.state.is_over or self.led_until is None or self.lead_lease_s is None or not self.is_led(now):
            return self.elapsed.seconds
        # Add the time since the leader's last renewal, which it has not stored yet.
        renewed_at = self.led_until - timedelta(seconds=self.lead_lease_s)
        return self.elapsed.seconds + max(0.0, (now - renewed_at).total_seconds())


def check_priority(priority: int) -> int:
    """Return the priority of an experiment.

    Raises
    ------
    ValueError
        If it is out of range.
    """
    if not 0 <= priority <= HIGHEST_PRIORITY:
        raise ValueError(
            f"the priority of an experiment must be from 0 to {HIGHEST_PRIORITY}, not {priority}"
        )
    return priority


def is_exp_key(text: str) -> bool:
    """Whether a text can name an experiment; the name is part of identifiers and names a folder."""
    return text.isprintable() and "/" not in text and 0 < len(text.strip(". ")) <= _MAX_KEY


def invalid_exp_key(text: str) -> str:
    """Return the error message for an invalid name."""
    return f"{text!r} cannot name a search; use up to {_MAX_KEY} printable characters without a slash."
