"""A store in the memory of one process, for tests and for benchmarks without a server.

It keeps every guarantee of ``hpsearch.store.protocol``. Its clock is an argument, so tests of leases and
outages that last hours take milliseconds. One lock makes every call atomic. Values are converted to the
documents of the MongoDB store and back, so they are returned, or refused, as they would be there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from hpsearch.core.experiment import (
    UNDECIDED,
    Elapsed,
    Experiment,
    ExperimentState,
    ObjectiveChange,
    check_priority,
)
from hpsearch.core.stopping.curve import RungValue
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import FINISHED, Invalid, Report, Result, State, Trial, trial_id
from hpsearch.core.trial_filter import TrialFilter
from hpsearch.core.worker import Worker, has_valid_entry
from hpsearch.errors import ExperimentActiveError, LeaseLostError, NotFoundError, TrialExistsError
from hpsearch.store.checks import (
    CHECKPOINT_PREFIX,
    Content,
    check_cancellable,
    check_insertable,
    check_joinable,
    check_size,
    checked_content,
    is_same_point,
    joined_objective,
    no_attachment_message,
    no_checkpoint_message,
    replaced_attempts,
    replaced_fingerprint,
    stored_name,
    visible_attempts,
    with_store_times,
)
from hpsearch.store.documents.encoding import encoded
from hpsearch.store.documents.experiment import experiment_document, experiment_from
from hpsearch.store.documents.trial import checkpoint_document, result_document, trial_document, trial_from
from hpsearch.store.documents.worker import worker_document, worker_from
from hpsearch.store.memory.trials import (
    MemoryTrials,
    attempt_of_progress,
    expired,
    is_held,
    is_same_claim,
    is_too_long,
    ordered,
    requeued,
    resumed,
    shortened,
    to_checkpoint,
    unclaimed,
)
from hpsearch.store.protocol import Leadership, LeaseStatus, TrialSummary

A = TypeVar("A", Experiment, Trial)


def _system_time() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """A ``TrialStore`` in memory; threads may share it.

    Parameters
    ----------
    clock : callable
        Returns the store's time as an aware datetime.
    """

    def __init__(self, clock: Callable[[], datetime] = _system_time) -> None:
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._experiments: dict[str, Experiment] = {}  # by name, oldest first
        self._leaders: dict[str, Leadership] = {}  # the latest of each experiment
        self._trials_by_key: dict[str, MemoryTrials] = {}
        self._attachments: dict[str, list[_Attachment]] = {}  # by experiment, in order of writing
        self._policies: dict[str, Mapping[str, Any]] = {}  # of the pruner, by experiment
        self._workers: dict[str, Worker] = {}

    @property
    def database(self) -> str:
        """Name of the database; signatures of objectives are bound to it."""
        return "memory"

    # Experiments

    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create the experiment, or join it under the same name, and return it as stored (11)."""
        wanted = experiment_from(experiment_document(experiment))
        with self._changed:
            stored, now = self._experiments.get(wanted.exp_key), self.now()
            if stored is None:
                joined = replace(wanted, created_at=now, started_at=now, elapsed=_not_led_yet(now))
            else:
                check_joinable(stored, wanted, accepts_change=accepts_change)
                joined = _joined(stored, wanted, now)
            self._experiments[wanted.exp_key] = joined
            return self.experiment(wanted.exp_key)

    def experiment(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        with self._changed:
            if exp_key not in self._experiments:
                raise NotFoundError(f"There is no experiment {exp_key!r}.")
            experiment, leader = self._experiments[exp_key], self._leaders.get(exp_key)
            if leader is None:
                return experiment
            led_until = leader.lease_until if leader.owner else None
            return replace(experiment, led_until=led_until, lead_lease_s=leader.lease_s)

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment is running with the same objective code; costs one look-up."""
        try:
            present = self.experiment(experiment.exp_key)
        except NotFoundError:
            return False
        codes = {(e.objective.fingerprint, e.objective.digest) for e in (present, experiment)}
        return present.state is ExperimentState.RUNNING and len(codes) == 1

    def experiments(
        self, states: Iterable[ExperimentState] | None = None, *, omit_space: bool = False
    ) -> list[Experiment]:
        """Return the experiments, oldest first."""
        wanted = set(ExperimentState if states is None else states)
        with self._changed:
            found = [e for e in map(self.experiment, self._experiments) if e.state in wanted]
        return [replace(experiment, space={}) for experiment in found] if omit_space else found

    def experiments_with(self, labels: Iterable[str], *, limit: int) -> list[Experiment]:
        """Return experiments whose space has all of some parameters, the newest first."""
        wanted = set(labels)
        found = [e for e in self.experiments() if wanted and wanted <= _labels(e)]
        newest_first = sorted(found, key=lambda e: (e.created_at, e.exp_key), reverse=True)
        return newest_first[:limit]

    def set_experiment_state(
        self, exp_key: str, state: ExperimentState, why: str | None = None, *, leader: str | None = None
    ) -> Experiment:
        """Change the state of an experiment unless it has ended, and return the stored experiment (11)."""
        reason = encoded(why, "why")
        with self._changed:
            experiment, present = self.experiment(exp_key), self._leaders.get(exp_key)
            is_asked_by_leader = leader is None or (present is not None and present.owner == leader)
            if is_asked_by_leader and not experiment.state.is_over:
                self._experiments[exp_key] = replace(experiment, state=state, ended_why=reason)
            return self.experiment(exp_key)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the priority of an experiment, and return the stored experiment."""
        check_priority(priority)
        with self._changed:
            self._experiments[exp_key] = replace(self.experiment(exp_key), priority=priority)
            return self.experiment(exp_key)

    # The coordinator's side

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9)."""
        with self._changed:
            self.experiment(exp_key)
            self._shorten_leadership(exp_key)
            present, now = self._leaders.get(exp_key), self.now()
            is_mine = present is not None and present.owner == owner
            if present is not None and not is_mine and present.lease_until >= now:
                return replace(present, is_mine=False)
            if is_mine:
                self._add_elapsed(exp_key, elapsed)
            self._leaders[exp_key] = Leadership(
                exp_key=exp_key,
                owner=owner,
                epoch=(present.epoch if present else 0) + (0 if is_mine else 1),
                lease_until=now + timedelta(seconds=lease_s),
                lease_s=lease_s,
                elapsed=self._experiments[exp_key].elapsed,
                is_mine=True,
            )
            return self._leaders[exp_key]

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        """Give up the leadership, if held."""
        with self._changed:
            present = self._leaders.get(exp_key)
            if present is not None and present.owner == owner:
                self._add_elapsed(exp_key, elapsed)
                # Keep the epoch, so that the next one is higher.
                free_since = datetime.min.replace(tzinfo=UTC)
                self._leaders[exp_key] = replace(present, owner="", lease_until=free_since)

    def insert(self, trials: Sequence[Trial]) -> None:
        """Add trials that are pending or already final (1)."""
        check_insertable(trials)
        new = [trial_from(trial_document(trial)) for trial in trials]
        with self._changed:
            for trial in new:
                present = self._stored(trial)
                if present is None:
                    self._trials_of(trial.exp_key).put(with_store_times(trial, self.now()))
                elif not is_same_point(trial, present):
                    raise TrialExistsError(trial.id)

    def expire(self, exp_key: str) -> int:
        """Return trials with expired leases to pending or fail them; return how many (6)."""
        with self._changed:
            now, running = self.now(), self._in_states(exp_key, {State.RUNNING})
            lost = [trial for trial in running if trial.lease_until and trial.lease_until < now]
            for trial in lost:
                self._put(expired(trial, now))
            return len(lost)

    def shorten_leases(self, exp_key: str) -> int:
        """Shorten leases that end later than their own length from now; return how many (6)."""
        with self._changed:
            now, running = self.now(), self._in_states(exp_key, {State.RUNNING})
            shorter = [shortened(trial, now) for trial in running if is_too_long(trial, now)]
            for trial in shorter:
                self._put(trial)
            return len(shorter)

    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        """Return the final ones among some trials, by tid (8)."""
        with self._changed:
            stored = self._trials_of(exp_key).trials
            found = (stored[tid] for tid in sorted(tids) if tid in stored)
            return [trial for trial in found if trial.state.is_final]

    def cancel(self, exp_key: str, states: Iterable[State], *, tids: Iterable[int] | None = None) -> int:
        """Cancel trials in some states; return how many."""
        wanted, numbers = check_cancellable(states), None if tids is None else set(tids)
        with self._changed:
            now, found = self.now(), self._in_states(exp_key, wanted)
            found = [trial for trial in found if numbers is None or trial.tid in numbers]
            for trial in found:
                self._put(trial.moved(State.CANCELLED, finished_at=now, lease_until=None))
            return len(found)

    def publish_policy(self, exp_key: str, policy: Mapping[str, Any], leader: str) -> bool:
        """Store the pruner's policy of an experiment; return whether it was stored (18)."""
        stored = encoded(policy, "policy")
        with self._changed:
            present = self._leaders.get(exp_key)
            if present is None or present.owner != leader:
                return False
            self._policies[exp_key] = stored
            return True

    def revise(self, exp_key: str) -> None:
        """Raise the revision of an experiment, so that its coordinator reads all trials again (15)."""
        with self._changed:
            experiment = self.experiment(exp_key)
            self._experiments[exp_key] = replace(experiment, revision=experiment.revision + 1)
            self._changed.notify_all()

    def mark_invalid(self, exp_key: str, tids: Iterable[int], why: str | None) -> int:
        """Mark finished trials as invalid, or remove the mark; return how many changed (15)."""
        reason = encoded(why, "why")
        with self._changed:
            stored, now = self._trials_of(exp_key).trials, self.now()
            found = [stored[tid] for tid in sorted(set(tids)) if tid in stored]
            wanted = [t for t in found if t.state in FINISHED and (t.invalid is None) == (why is not None)]
            for trial in wanted:
                self._put(replace(trial, invalid=None if why is None else Invalid(at=now, why=reason)))
            self.revise(exp_key)
            return len(wanted)

    def annotate(
        self,
        exp_key: str,
        tid: int | None = None,
        *,
        note: str | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> None:
        """Change the note and the tags of an experiment or a trial (17)."""
        with self._changed:
            if tid is None:
                found = self.experiment(exp_key)
                self._experiments[exp_key] = _annotated(found, note, add, remove)
            else:
                self._put(_annotated(self.trial(exp_key, tid), note, add, remove))

    @property
    def sees_changes(self) -> bool:
        """Whether ``wait_for_change`` waits for changes."""
        return True

    def wait_for_change(self, exp_key: str | None, timeout_s: float) -> None:
        """Return when a trial of the experiment may have changed, or after the timeout."""

        def n_changes() -> int:
            if exp_key is not None:
                return self._trials_of(exp_key).n_changes
            return sum(trials.n_changes for trials in self._trials_by_key.values())

        with self._changed:
            before = n_changes()
            self._changed.wait_for(lambda: n_changes() != before, timeout_s)

    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        """Delete an experiment with its trials and attachments; return how many trials (14)."""
        with self._changed:
            if unless_active:
                self.shorten_leases(exp_key)
                self._shorten_leadership(exp_key)
                if self._is_active(exp_key):
                    raise ExperimentActiveError(exp_key)
            self._leaders.pop(exp_key, None)
            self._policies.pop(exp_key, None)
            existed = self._experiments.pop(exp_key, None) is not None
            n_trials = len(self._trials_by_key.pop(exp_key, MemoryTrials()).trials)
            had_attachments = bool(self._attachments.pop(exp_key, None))
            self._changed.notify_all()
        if not (existed or n_trials or had_attachments):
            raise NotFoundError(f"There is no experiment {exp_key!r}.")
        return n_trials

    # Attachments

    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Store bytes under a name with an experiment or one of its trials (12)."""
        new = _Attachment(tid, stored_name(name), attempt, bytes(checked_content(name, data)))
        first, last = replaced_attempts(new.attempt)
        with self._changed:
            kept = [
                old
                for old in self._attachments.get(exp_key, ())
                if (old.tid, old.name) != (tid, new.name)
                or not (first <= old.attempt and (last is None or old.attempt <= last))
            ]
            self._attachments[exp_key] = [*kept, new]

    def attach_all(
        self, exp_key: str, contents: Mapping[str, Content], *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Store many attachments in few round trips, each as ``attach`` does (12)."""
        for name, data in contents.items():
            self.attach(exp_key, name, data, tid=tid, attempt=attempt)

    def attachment(
        self, exp_key: str, name: str, *, tid: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        """Return the content of an attachment (12, 13)."""
        with self._changed:
            visible, key = self._visible(exp_key, tid), stored_name(name)
            if key not in visible:
                raise NotFoundError(no_attachment_message(exp_key, key, tid))
            check_size(exp_key, key, len(visible[key]), max_bytes)
            return visible[key]

    def attachments(self, exp_key: str, *, tid: int | None = None) -> list[str]:
        """Return the names of the visible attachments, sorted (13)."""
        with self._changed:
            return sorted(self._visible(exp_key, tid))

    def n_attachments(self, exp_key: str) -> int:
        """Return how many attachments an experiment and its trials have, including invisible ones."""
        with self._changed:
            return len(self._attachments.get(exp_key, ()))

    def detach(self, exp_key: str, name: str, *, tid: int | None = None) -> None:
        """Delete an attachment, of every attempt, if there is one."""
        with self._changed:
            attached, key = self._attachments.get(exp_key, []), stored_name(name)
            self._attachments[exp_key] = [one for one in attached if (one.tid, one.name) != (tid, key)]

    # Reading

    def trials(
        self,
        exp_key: str,
        *,
        states: Iterable[State] | None = None,
        sort: str = "tid",
        limit: int | None = None,
        where: TrialFilter | None = None,
    ) -> Iterator[Trial]:
        """Yield the trials of an experiment."""
        with self._changed:
            found = self._in_states(exp_key, set(State) if states is None else set(states))
        in_order = ordered(found, sort)
        return islice(in_order if where is None else where.select(in_order), limit)

    def points(self, exp_key: str, *, sort: str = "tid", limit: int | None = None) -> Iterator[Trial]:
        """Yield trials of an experiment with only the fields needed for learning."""
        return (trial.point() for trial in self.trials(exp_key, sort=sort, limit=limit))

    def curves(
        self, exp_key: str, *, tids: Iterable[int] | None = None, all_reports: bool = False
    ) -> Iterator[Trial]:
        """Yield trials of an experiment by number, as ``points`` does, with their rungs and reports."""
        wanted = None if tids is None else set(tids)
        for trial in self.trials(exp_key):
            if wanted is None or trial.tid in wanted:
                reports = trial.reports if all_reports else trial.reports[-1:]
                yield replace(trial.point(), rungs=trial.rungs, reports=reports)

    def trial(self, exp_key: str, tid: int) -> Trial:
        """Return one trial."""
        with self._changed:
            stored = self._trials_of(exp_key).trials
            if tid not in stored:
                raise NotFoundError(f"There is no trial {trial_id(exp_key, tid)}.")
            return stored[tid]

    def counts(self, exp_key: str, states: Iterable[State] | None = None) -> Mapping[State, int]:
        """Return how many trials are in each state, including zeros."""
        wanted = set(State) if states is None else set(states)
        with self._changed:
            trials = self._trials_of(exp_key)
            return {state: trials.n_valid(state) if state in wanted else 0 for state in State}

    def n_invalid(self, exp_key: str) -> int:
        """Return how many finished trials were marked as invalid (15)."""
        with self._changed:
            return len(self._trials_of(exp_key).invalid)

    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        """Return a summary of each experiment's trials, in one call; a missing experiment has none."""
        with self._changed:
            return {key: self._trials_of(key).summary() for key in exp_keys}

    # The worker's side

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Claim the next trial of some experiments for its ``lease_s``; None if none is pending (2, 3)."""
        with self._changed:
            mine = self._running_under(token)
            if mine is not None:
                return mine
            heads = (head for key in exp_keys if (head := self._trials_of(key).next_pending()))
            trial, now = next(heads, None), self.now()
            if trial is None:
                return None
            return self._put(
                trial.moved(
                    State.RUNNING,
                    owner=token,
                    worker=worker.holder,
                    attempt=trial.attempt + 1,
                    claimed_at=now,
                    heartbeat_at=now,
                    lease_until=now + timedelta(seconds=trial.lease_s),
                    reports=to_checkpoint(trial, trial.reports),
                    rungs=to_checkpoint(trial, trial.rungs),
                    verdict=None,
                )
            )

    def renew(self, trial: Trial) -> LeaseStatus:
        """Extend the lease on a claimed trial by its ``lease_s`` (4)."""
        with self._changed:
            present, now = self._stored(trial), self.now()
            if present is not None and is_held(present, trial) and not self._token_runs_another(trial):
                lease_until = now + timedelta(seconds=present.lease_s)
                self._put(replace(resumed(present), heartbeat_at=now, lease_until=lease_until))
                return LeaseStatus.HELD
            if present is not None and present.state is State.CANCELLED and is_same_claim(present, trial):
                return LeaseStatus.CANCELLED
            return LeaseStatus.LOST

    def report(
        self,
        trial: Trial,
        reports: Sequence[Report],
        *,
        rungs: Sequence[RungValue] = (),
        verdict: Verdict | None = None,
    ) -> None:
        """Append intermediate values to a claimed trial, in one step with what follows from them (5)."""
        with self._changed:
            present, now = self._held(trial), self.now()
            new = tuple(Report(step=float(r.step), value=float(r.value), at=now) for r in reports)
            self._put(
                replace(
                    present,
                    reports=present.reports + new,
                    rungs=tuple(rungs) or present.rungs,
                    verdict=verdict or present.verdict,
                )
            )

    def finish(self, trial: Trial, result: Result) -> None:
        """Write the result of a claimed trial, done or failed (5, 7)."""
        outcome = result_document(result)
        with self._changed:
            present = self._stored(trial)
            if present is not None and present.state in FINISHED and is_same_claim(present, trial):
                return
            document = {**trial_document(self._held(trial)), **outcome, "finished_at": self.now()}
            self._put(replace(trial_from(document), lease_until=None))

    def save_checkpoint(
        self, trial: Trial, step: float, *, data: Content | None = None, path: str | None = None
    ) -> None:
        """Store a checkpoint of a claimed trial in place of the last one (5, 16)."""
        file = None if data is None else f"{CHECKPOINT_PREFIX}{trial.attempt}-{step:g}"
        content = b"" if file is None else bytes(checked_content(file, data))
        new = checkpoint_document(step, file, path, len(content))
        with self._changed:
            present, now = self._held(trial), self.now()
            attempt = attempt_of_progress(present, float(step))
            document = {**trial_document(present), "checkpoint": {**new, "attempt": attempt, "at": now}}
            self._put(trial_from(document))
            self._drop_checkpoints(trial.exp_key, trial.tid)
            if file is not None:
                self.attach(trial.exp_key, file, content, tid=trial.tid, attempt=trial.attempt)

    def checkpoint_data(self, trial: Trial) -> bytes:
        """Return the content of the checkpoint of a claimed trial, as ``claim`` returned it (16)."""
        pointer = trial.checkpoint
        with self._changed:
            for one in self._attachments.get(trial.exp_key, ()):
                if one.tid == trial.tid and pointer is not None and one.name == pointer.file:
                    return one.data
        raise NotFoundError(no_checkpoint_message(trial.id))

    def sweep_checkpoints(self, exp_key: str, tids: Iterable[int] | None = None) -> None:
        """Delete the content of the checkpoints of final trials (16)."""
        with self._changed:
            for trial in self.finished(exp_key, self._trials_of(exp_key).trials if tids is None else tids):
                self._drop_checkpoints(exp_key, trial.tid)

    def policy(self, exp_key: str, known_version: int | None = None) -> Mapping[str, Any] | None:
        """Return the pruner's policy of an experiment (18)."""
        with self._changed:
            policy = self._policies.get(exp_key)
        return None if policy is None or policy.get("version") == known_version else policy

    def release(self, trial: Trial, why: str) -> None:
        """Return a claimed trial to pending without counting the attempt as lost (5, 6)."""
        reason = encoded(why, "why")
        with self._changed:
            present = self._stored(trial)
            ends = present.history if present is not None else ()
            if any(e.attempt == trial.attempt and e.why == reason for e in ends):
                return
            self._put(requeued(self._held(trial), self.now(), reason, owner=None))

    def unclaim(self, trial: Trial) -> None:
        """Undo the claim of a trial that was not started (6); do nothing if it is no longer held."""
        with self._changed:
            present = self._stored(trial)
            if present is not None and is_held(present, trial):
                self._put(unclaimed(present))

    # The registry of workers

    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        """Write the registry entry of a worker."""
        described = worker_from(worker_document(worker))
        with self._changed:
            now, present = self.now(), self._workers.get(worker.name)
            started_at = present.started_at if present and present.pid == worker.pid else now
            expire_at = now + timedelta(seconds=ttl_s)
            self._workers[worker.name] = replace(
                described, started_at=started_at, seen_at=now, expire_at=expire_at
            )

    def workers(self) -> list[Worker]:
        """Return the workers whose entry has not expired, by name."""
        with self._changed:
            now = self.now()
            known = (self._workers[name] for name in sorted(self._workers))
            return [worker for worker in known if has_valid_entry(worker, now)]

    def n_workers(self) -> int:
        """Return the number of registry entries."""
        with self._changed:
            return len(self._workers)

    def now(self) -> datetime:
        """Return the current time of the store's clock, UTC."""
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def close(self) -> None:
        """Do nothing: there are no connections."""

    # Private

    def _visible(self, exp_key: str, tid: int | None) -> dict[str, bytes]:
        """Return the visible attachments by name; raises ``NotFoundError`` for an unknown trial."""
        attempts = [0]
        if tid is not None:
            trial = self.trial(exp_key, tid)
            attempts = visible_attempts(trial.state, trial.owner, trial.attempt)
        attached = self._attachments.get(exp_key, ())
        mine = (one for one in attached if one.tid == tid and one.attempt in attempts)
        return {one.name: one.data for one in mine if not one.name.startswith(CHECKPOINT_PREFIX)}

    def _drop_checkpoints(self, exp_key: str, tid: int) -> None:
        attached = self._attachments.get(exp_key, [])
        self._attachments[exp_key] = [
            one for one in attached if one.tid != tid or not one.name.startswith(CHECKPOINT_PREFIX)
        ]

    def _trials_of(self, exp_key: str) -> MemoryTrials:
        return self._trials_by_key.setdefault(exp_key, MemoryTrials())

    def _stored(self, trial: Trial) -> Trial | None:
        return self._trials_of(trial.exp_key).trials.get(trial.tid)

    def _put(self, trial: Trial) -> Trial:
        self._trials_of(trial.exp_key).put(trial)
        self._changed.notify_all()
        return trial

    def _in_states(self, exp_key: str, states: set[State]) -> list[Trial]:
        stored = self._trials_of(exp_key)
        return [stored.trials[tid] for state in states for tid in stored.by_state[state]]

    def _running_under(self, token: str | None) -> Trial | None:
        """Return the trial that runs under a token, if any."""
        running = (trial for key in self._trials_by_key for trial in self._in_states(key, {State.RUNNING}))
        return next((trial for trial in running if trial.owner == token), None)

    def _token_runs_another(self, trial: Trial) -> bool:
        """Whether another trial runs under the token of a claim."""
        mine = self._running_under(trial.owner)
        return mine is not None and mine.id != trial.id

    def _is_active(self, exp_key: str) -> bool:
        now = self.now()
        running = self._in_states(exp_key, {State.RUNNING})
        has_lease = any(trial.lease_until and trial.lease_until > now for trial in running)
        leader = self._leaders.get(exp_key)
        return has_lease or (leader is not None and leader.lease_until > now)

    def _shorten_leadership(self, exp_key: str) -> None:
        """Shorten a leader's lease that ends later than its own length from now (6)."""
        leader = self._leaders.get(exp_key)
        if leader is not None and leader.lease_s is not None:
            latest = self.now() + timedelta(seconds=leader.lease_s)
            self._leaders[exp_key] = replace(leader, lease_until=min(leader.lease_until, latest))

    def _add_elapsed(self, exp_key: str, elapsed: Elapsed | None) -> None:
        """Record how long the current run has been led; ignore a report about another run."""
        stored = self._experiments[exp_key].elapsed
        if elapsed is not None and stored is not None and elapsed.since == stored.since:
            longer = replace(stored, seconds=max(stored.seconds, elapsed.seconds))
            self._experiments[exp_key] = replace(self._experiments[exp_key], elapsed=longer)

    def _held(self, trial: Trial) -> Trial:
        """Return a trial as stored; raises ``LeaseLostError`` unless the claim holds it."""
        present = self._stored(trial)
        if present is None or not is_held(present, trial):
            raise LeaseLostError(trial.id)
        return present


@dataclass(frozen=True, slots=True)
class _Attachment:
    """One attachment."""

    tid: int | None  #: of its trial; None for one of the experiment
    name: str
    attempt: int  #: number of the attempt that wrote it; 0 if no trial's attempt did
    data: bytes


def _labels(experiment: Experiment) -> set[str]:
    return {parameter["label"] for parameter in experiment.space.get("parameters", ())}


def _joined(stored: Experiment, wanted: Experiment, now: datetime) -> Experiment:
    """Return a stored experiment after a join."""
    joined = replace(stored, budget=wanted.budget, defaults=wanted.defaults, pruner=wanted.pruner)
    joined = replace(joined, ended_why=None)
    if stored.state.is_over:
        joined = replace(joined, state=wanted.state, started_at=now, elapsed=_not_led_yet(now))
    if stored.objective == UNDECIDED:
        joined = replace(joined, algorithm=wanted.algorithm, seed=wanted.seed, lag=wanted.lag)
        return replace(joined, objective=wanted.objective)
    objective = joined_objective(stored.objective, wanted.objective)
    before, changes = replaced_fingerprint(stored.objective, objective), stored.objective_changes
    if before is not None and objective.fingerprint is not None:
        changes = (*changes, ObjectiveChange(at=now, before=before, after=objective.fingerprint))
    return replace(joined, objective=objective, objective_changes=changes)


def _not_led_yet(started_at: datetime) -> Elapsed:
    return Elapsed(seconds=0.0, since=started_at)


def _annotated(value: A, note: str | None, add: Iterable[str], remove: Iterable[str]) -> A:
    """Return a trial or an experiment with another note and other tags, as ``annotate`` describes."""
    tags = (set(value.tags) - {encoded(t, "tag") for t in remove}) | {encoded(t, "tag") for t in add}
    text = value.note if note is None else encoded(note, "note") or None
    return replace(value, note=text, tags=tuple(sorted(tags)))
