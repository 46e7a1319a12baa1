"""An experiment: what is searched, how, and for how long.

The space is held in its JSON form, so that reading an experiment imports nothing
of the user's; whoever samples or evaluates decodes it with ``Space.from_json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


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
    timeout_s: float | None = None  #: seconds since ``Experiment.started_at``
    loss_threshold: float | None = None  #: end once a loss is at or below it


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A suggester by name, with its options."""

    name: str = "auto"  #: a key of ``suggest.algorithms.ALGORITHMS``
    options: Mapping[str, Any] = field(
        default_factory=dict
    )  #: what is set by name; the rest keeps its default


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRef:
    """Where a worker finds the objective on its own disk."""

    kind: str  #: "import" (``package.module:name``) or "file" (``path/file.py:name``)
    ref: str  #: what follows the kind
    path: str | None = None  #: for a file: its absolute path where the experiment was made

    @property
    def identity(self) -> str:
        """What must agree when an experiment is joined: the name, not the folder it lies in."""
        return self.ref.rsplit("/", 1)[-1] if self.kind == "file" else self.ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What applies to each trial unless a worker says otherwise."""

    max_attempts: int = 3  #: claims that may be lost before a trial counts as failed
    trial_timeout_s: float | None = None  #: seconds one evaluation may take
    lease_s: float = 60.0  #: seconds a claim holds without a heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One search."""

    exp_key: str  #: its name
    space: Mapping[str, Any]  #: ``Space.to_json()``
    space_fingerprint: str  #: equal exactly for equal spaces
    objective: ObjectiveRef
    algorithm: Algorithm = field(default_factory=Algorithm)
    seed: int = 0  #: root of the seed sequence of every trial
    budget: Budget = field(default_factory=Budget)
    defaults: Defaults = field(default_factory=Defaults)
    state: ExperimentState = ExperimentState.RUNNING
    ended_why: str | None = None  #: the reason, once it is done or stopped
    created_at: datetime | None = None  #: server time, UTC
    started_at: datetime | None = None  #: start of the current run, from which its timeout counts
    led_until: datetime | None = None  #: a coordinator leads it, or did, until then

    def is_led(self, now: datetime) -> bool:
        """Whether a coordinator leads it at a time of the store's clock."""
        return self.led_until is not None and self.led_until > now
