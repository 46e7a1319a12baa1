"""Experiments in memory, and who leads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hpsearch.core.experiment import UNDECIDED, Elapsed, Experiment, ExperimentState, ObjectiveChange
from hpsearch.errors import NotFoundError
from hpsearch.store.protocol import Leadership
from hpsearch.store.rules import check_joinable, joined_objective, replaced_fingerprint


@dataclass(slots=True)
class MemoryExperiments:
    """All experiments of a store; ``TrialStore`` documents the methods."""

    experiments: dict[str, Experiment] = field(default_factory=dict)  #: by name, the oldest first
    leaders: dict[str, Leadership] = field(default_factory=dict)  #: the latest of each experiment, by name

    def open(self, wanted: Experiment, now: datetime, *, accepts_change: bool = False) -> Experiment:
        """Create an experiment, or join the one of the same name (11)."""
        stored = self.experiments.get(wanted.exp_key)
        if stored is None:
            joined = replace(wanted, created_at=now, started_at=now, elapsed=_not_led_yet(now))
        else:
            check_joinable(stored, wanted, accepts_change=accepts_change)
            joined = replace(stored, budget=wanted.budget, defaults=wanted.defaults, ended_why=None)
            if stored.objective == UNDECIDED:
                joined = replace(
                    joined,
                    objective=wanted.objective,
                    algorithm=wanted.algorithm,
                    seed=wanted.seed,
                    lag=wanted.lag,
                )
            else:
                joined = replace(joined, **_joined_objective(stored, wanted, now))
            if stored.state.is_over:
                joined = replace(joined, state=wanted.state, started_at=now, elapsed=_not_led_yet(now))
        self.experiments[wanted.exp_key] = joined
        return self.find(wanted.exp_key)

    def find(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        if exp_key not in self.experiments:
            raise NotFoundError(f"There is no experiment {exp_key!r}.")
        leader = self.leaders.get(exp_key)
        experiment = self.experiments[exp_key]
        if leader is None:
            return experiment
        led_until = leader.lease_until if leader.owner else None
        return replace(experiment, led_until=led_until, lead_lease_s=leader.lease_s)

    def listed(self, states: Iterable[ExperimentState] | None) -> list[Experiment]:
        """Return the experiments, oldest first; only those in some states if given."""
        wanted = set(ExperimentState if states is None else states)
        return [experiment for experiment in map(self.find, self.experiments) if experiment.state in wanted]

    def move(self, exp_key: str, state: ExperimentState, why: str | None, leader: str | None) -> Experiment:
        """Change the state of an experiment unless it has ended, and return the experiment (11)."""
        experiment, present = self.find(exp_key), self.leaders.get(exp_key)
        is_asked_by_leader = leader is None or (present is not None and present.owner == leader)
        if is_asked_by_leader and not experiment.state.is_over:
            self.experiments[exp_key] = replace(experiment, state=state, ended_why=why)
        return self.find(exp_key)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the priority of an experiment, and return the experiment."""
        self.experiments[exp_key] = replace(self.find(exp_key), priority=priority)
        return self.find(exp_key)

    def lead(
        self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None, now: datetime
    ) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9)."""
        self.find(exp_key)
        self.shorten(exp_key, now)
        present = self.leaders.get(exp_key)
        is_mine = present is not None and present.owner == owner
        if present is not None and not is_mine and present.lease_until >= now:
            return replace(present, is_mine=False)
        if is_mine:
            self._measure(exp_key, elapsed)
        epoch = (present.epoch if present else 0) + (0 if is_mine else 1)
        leader = Leadership(
            exp_key=exp_key,
            owner=owner,
            epoch=epoch,
            lease_until=now + timedelta(seconds=lease_s),
            lease_s=lease_s,
            elapsed=self.experiments[exp_key].elapsed,
            is_mine=True,
        )
        self.leaders[exp_key] = leader
        return leader

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None) -> None:
        """Give up the leadership, if held."""
        present = self.leaders.get(exp_key)
        if present is not None and present.owner == owner:
            self._measure(exp_key, elapsed)
            # Keep the epoch, so that the next one is higher.
            free = replace(present, owner="", lease_until=datetime.min.replace(tzinfo=UTC))
            self.leaders[exp_key] = free

    def shorten(self, exp_key: str, now: datetime) -> None:
        """Shorten a leader's lease that ends later than its own length from now (6)."""
        leader = self.leaders.get(exp_key)
        if leader is not None and leader.lease_s is not None:
            latest = now + timedelta(seconds=leader.lease_s)
            self.leaders[exp_key] = replace(leader, lease_until=min(leader.lease_until, latest))

    def is_led(self, exp_key: str, now: datetime) -> bool:
        """Whether a coordinator leads an experiment."""
        leader = self.leaders.get(exp_key)
        return leader is not None and leader.lease_until > now

    def delete(self, exp_key: str) -> bool:
        """Delete an experiment and its leadership; return whether it existed."""
        self.leaders.pop(exp_key, None)
        return self.experiments.pop(exp_key, None) is not None

    def _measure(self, exp_key: str, elapsed: Elapsed | None) -> None:
        """Record how long the current run has been led; ignore a report about another run."""
        stored = self.experiments[exp_key].elapsed
        if elapsed is not None and stored is not None and elapsed.since == stored.since:
            longer = replace(stored, seconds=max(stored.seconds, elapsed.seconds))
            self.experiments[exp_key] = replace(self.experiments[exp_key], elapsed=longer)


def _not_led_yet(started_at: datetime) -> Elapsed:
    return Elapsed(seconds=0.0, since=started_at)


def _joined_objective(stored: Experiment, wanted: Experiment, now: datetime) -> dict[str, Any]:
    """Return the fields of the objective after a join, with its changes."""
    objective = joined_objective(stored.objective, wanted.objective)
    before, changes = replaced_fingerprint(stored.objective, objective), stored.objective_changes
    if before is not None and objective.fingerprint is not None:
        changes = (*changes, ObjectiveChange(at=now, before=before, after=objective.fingerprint))
    return {"objective": objective, "objective_changes": changes}
