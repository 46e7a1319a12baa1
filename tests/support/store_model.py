"""A simple model of one experiment in a store, for comparison with real stores.

It shares only the names of the states with the stores. Time is a number of
seconds that only ``StoreMachine`` shifts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State

OPEN = (State.PENDING, State.RUNNING)
FINISHED = (State.DONE, State.FAILED)
LOST, RELEASED = "lease expired", "draining"


@dataclass(frozen=True)
class Claim:
    """A claim as the worker remembers it, possibly long after it ended."""

    token: str
    tid: int
    attempt: int
    worker: str


@dataclass
class TrialModel:
    """The expected state of a trial."""

    priority: int
    lease_s: float
    max_attempts: int
    state: State = State.PENDING
    attempt: int = 0
    token: str | None = None
    worker: str | None = None
    lease_until: float | None = None
    loss: float | None = None
    n_reports: int = 0
    history: list[tuple[int, str, str]] = field(default_factory=list)  #: attempt, worker, why
    attached: set[int] = field(default_factory=set)  #: attempts that attached something

    @property
    def n_lost(self) -> int:
        return sum(why == LOST for _, _, why in self.history)

    @property
    def shown(self) -> list[str]:
        """Names of the visible attachments: those of the trial itself and of the current attempt."""
        counts = self.token is not None and self.state in (State.RUNNING, *FINISHED)
        return sorted(f"of {n}" for n in self.attached if n == 0 or (counts and n == self.attempt))

    def is_under(self, claim: Claim) -> bool:
        return (self.token, self.attempt) == (claim.token, claim.attempt)

    def is_held_by(self, claim: Claim) -> bool:
        """Whether the claim may still write: until another claims the trial."""
        return self.state in OPEN and self.is_under(claim)

    def end_attempt(self, why: str) -> None:
        self.history.append((self.attempt, self.worker or "", why))
        self.state, self.lease_until = State.PENDING, None


@dataclass
class ExperimentModel:
    """The expected state of the experiment."""

    max_evals: int
    state: ExperimentState = ExperimentState.RUNNING
    why: str | None = None
    leader: str | None = None
    epoch: int = 0
    led_until: float | None = None
    lead_lease_s: float | None = None
    elapsed_s: float = 0.0

    def shorten(self, now: float) -> None:
        """End the leader's lease no later than its own length from now."""
        if self.led_until is not None and self.lead_lease_s is not None:
            self.led_until = min(self.led_until, now + self.lead_lease_s)


@dataclass
class Model:
    """One experiment, its trials and the time."""

    now: float = 0.0
    experiment: ExperimentModel | None = None
    trials: dict[int, TrialModel] = field(default_factory=dict)

    def next_pending(self) -> int | None:
        """Return the number of the trial that must be claimed next."""
        waiting = [(-t.priority, tid) for tid, t in self.trials.items() if t.state is State.PENDING]
        return min(waiting)[1] if waiting else None

    def run_by(self, token: str) -> int | None:
        """Return the number of the trial that runs under a token."""
        running = [tid for tid, t in self.trials.items() if t.state is State.RUNNING and t.token == token]
        assert len(running) <= 1, "a token runs two trials"
        return running[0] if running else None

    def overdue(self) -> list[TrialModel]:
        """Return the trials whose lease has expired."""
        return [t for t in self.trials.values() if t.lease_until is not None and t.lease_until < self.now]

    def too_long(self) -> list[TrialModel]:
        """Return the trials whose lease ends later than its own length from now."""
        held = [t for t in self.trials.values() if t.lease_until is not None]
        return [t for t in held if t.lease_until > self.now + t.lease_s]

    def shorten(self) -> None:
        """Shorten those leases."""
        for trial in self.too_long():
            trial.lease_until = self.now + trial.lease_s

    def is_led(self) -> bool:
        if self.experiment is None or self.experiment.led_until is None:
            return False
        length = self.experiment.lead_lease_s or 0.0
        return self.now < self.experiment.led_until <= self.now + 2 * length

    def is_held(self) -> bool:
        """Whether any lease on a trial is valid."""
        leases = [t.lease_until for t in self.trials.values() if t.state is State.RUNNING]
        return any(lease is not None and lease > self.now for lease in leases)

    def is_active(self) -> bool:
        return self.is_led() or self.is_held()
