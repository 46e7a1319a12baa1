"""The store in one process's memory: the same promises, for parts that are tried without a server.

No command uses it. It tells what is a promise from what is MongoDB's way, and its clock is an
argument, so that leases and outages of hours are tested in milliseconds.

One lock makes every call atomic. What is stored passes through the documents that the
MongoDB store writes, so that a value comes back from here exactly as it would from there,
and what cannot be stored there is refused here too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState, check_priority
from hpsearch.core.trial import FINISHED, Report, Result, State, Trial, trial_id
from hpsearch.core.worker import Worker, is_known
from hpsearch.errors import ExperimentActiveError, LeaseLostError, NotFoundError, TrialExistsError
from hpsearch.store.documents.encoding import encoded
from hpsearch.store.documents.experiment import experiment_document, experiment_from
from hpsearch.store.documents.trial import result_document, trial_document, trial_from
from hpsearch.store.documents.worker import worker_document, worker_from
from hpsearch.store.memory.attachments import MemoryAttachment, MemoryAttachments
from hpsearch.store.memory.experiments import MemoryExperiments
from hpsearch.store.memory.trials import (
    MemoryTrials,
    expired,
    in_short,
    is_held,
    is_same_claim,
    is_too_long,
    ordered,
    put_back,
    shortened,
    taken_up,
    untouched,
)
from hpsearch.store.protocol import Leadership, LeaseStatus, TrialSummary
from hpsearch.store.rules import (
    Content,
    check_cancellable,
    check_insertable,
    check_size,
    checked_content,
    is_same_point,
    no_attachment,
    received,
    stored_name,
    visible_attempts,
)


def _system_time() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """A ``TrialStore`` that lives and ends with this process; safe for use by several threads.

    Parameters
    ----------
    clock : callable
        Returns the store's time, aware; tests move it by hand.
    """

    def __init__(self, clock: Callable[[], datetime] = _system_time) -> None:
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._experiments_table = MemoryExperiments()
        self._shelves: dict[str, MemoryTrials] = {}
        self._pinboards: dict[str, MemoryAttachments] = {}
        self._workers: dict[str, Worker] = {}

    @property
    def database(self) -> str:
        """A name for the database that this is instead of."""
        return "memory"

    # Experiments

    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create the experiment, or join it under the same name (11)."""
        wanted = experiment_from(experiment_document(experiment))
        with self._changed:
            return self._experiments_table.open(wanted, self.now(), accepts_change=accepts_change)

    def experiment(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        with self._changed:
            return self._experiments_table.find(exp_key)

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment runs, its objective with the code that is known here."""
        try:
            present = self.experiment(experiment.exp_key)
        except NotFoundError:
            return False
        codes = {(e.objective.fingerprint, e.objective.digest) for e in (present, experiment)}
        return present.state is ExperimentState.RUNNING and len(codes) == 1

    def experiments(
        self, states: Iterable[ExperimentState] | None = None, *, omit_space: bool = False
    ) -> list[Experiment]:
        """Return the experiments, or those in one of the states, the oldest first."""
        with self._changed:
            found = self._experiments_table.listed(states)
        return [replace(experiment, space={}) for experiment in found] if omit_space else found

    def set_experiment_state(
        self, exp_key: str, state: ExperimentState, why: str | None = None, *, leader: str | None = None
    ) -> Experiment:
        """Move an experiment to a state unless it has ended, and return it as it is then (11)."""
        reason = encoded(why, "why")
        with self._changed:
            return self._experiments_table.move(exp_key, state, reason, leader)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the share of an experiment, and return it as it is then."""
        check_priority(priority)
        with self._changed:
            return self._experiments_table.set_priority(exp_key, priority)

    # The coordinator's side

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9)."""
        with self._changed:
            return self._experiments_table.lead(exp_key, owner, lease_s, elapsed, self.now())

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        """Give the leadership up, if it is held."""
        with self._changed:
            self._experiments_table.resign(exp_key, owner, elapsed)

    def insert(self, trials: Sequence[Trial]) -> None:
        """Add trials that are pending, or final already (1)."""
        check_insertable(trials)
        new = [trial_from(trial_document(trial)) for trial in trials]
        with self._changed:
            for trial in new:
                shelf = self._trials_of(trial.exp_key)
                present = shelf.trials.get(trial.tid)
                if present is None:
                    shelf.put(received(trial, self.now()))
                elif not is_same_point(trial, present):
                    raise TrialExistsError(trial.id)

    def expire(self, exp_key: str) -> int:
        """Requeue or fail the running trials whose lease is over; return how many (6)."""
        with self._changed:
            now, running = self.now(), self._in_states(exp_key, {State.RUNNING})
            lost = [trial for trial in running if trial.lease_until and trial.lease_until < now]
            for trial in lost:
                self._put(expired(trial, now))
            return len(lost)

    def shorten_leases(self, exp_key: str) -> int:
        """Let the leases that end later than their own length from now end then; return how many (6)."""
        with self._changed:
            now, running = self.now(), self._in_states(exp_key, {State.RUNNING})
            shorter = [shortened(trial, now) for trial in running if is_too_long(trial, now)]
            for trial in shorter:
                self._put(trial)
            return len(shorter)

    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        """Return those of the trials that are final, by tid (8)."""
        with self._changed:
            there = self._trials_of(exp_key).trials
            found = (there[tid] for tid in sorted(tids) if tid in there)
            return [trial for trial in found if trial.state.is_final]

    def cancel(self, exp_key: str, states: Iterable[State]) -> int:
        """Cancel all trials that are in one of the states, pending or running; return how many."""
        wanted = check_cancellable(states)
        with self._changed:
            now, found = self.now(), self._in_states(exp_key, wanted)
            for trial in found:
                self._put(trial.moved(State.CANCELLED, finished_at=now, lease_until=None))
            return len(found)

    def wait_for_change(self, exp_key: str, timeout_s: float) -> None:
        """Return when a trial of the experiment may have changed, or after the timeout."""
        with self._changed:
            n_changes = self._trials_of(exp_key).n_changes
            self._changed.wait_for(lambda: self._trials_of(exp_key).n_changes != n_changes, timeout_s)

    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        """Delete an experiment with its trials and attachments; return how many trials (14)."""
        with self._changed:
            if unless_active:
                self.shorten_leases(exp_key)
                self._experiments_table.shorten(exp_key, self.now())
                if self._is_active(exp_key):
                    raise ExperimentActiveError(exp_key)
            was_there = self._experiments_table.delete(exp_key)
            n_trials = len(self._shelves.pop(exp_key, MemoryTrials()).trials)
            n_pins = len(self._pinboards.pop(exp_key, MemoryAttachments()).pins)
            self._changed.notify_all()
        if not (was_there or n_trials or n_pins):
            raise NotFoundError(f"There is no experiment {exp_key!r}.")
        return n_trials

    # Attachments

    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Keep bytes under a name beside an experiment, or beside a trial (12)."""
        new = MemoryAttachment(stored_name(name), attempt, bytes(checked_content(name, data)))
        with self._changed:
            self._pinboards.setdefault(exp_key, MemoryAttachments()).pin(tid, new)

    def attach_all(
        self, exp_key: str, contents: Mapping[str, Content], *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Keep many (12)."""
        for name, data in contents.items():
            self.attach(exp_key, name, data, tid=tid, attempt=attempt)

    def attachment(
        self, exp_key: str, name: str, *, tid: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        """Return what is kept under a name (12, 13)."""
        with self._changed:
            shown, key = self._shown(exp_key, tid), stored_name(name)
            if key not in shown:
                raise NotFoundError(no_attachment(exp_key, key, tid))
            check_size(exp_key, key, len(shown[key]), max_bytes)
            return shown[key]

    def attachments(self, exp_key: str, *, tid: int | None = None) -> list[str]:
        """Return the names of the attachments, sorted (13)."""
        with self._changed:
            return sorted(self._shown(exp_key, tid))

    def n_attachments(self, exp_key: str) -> int:
        """Return how many attachments an experiment and its trials have, whether they show or not."""
        with self._changed:
            board = self._pinboards.get(exp_key, MemoryAttachments())
            return sum(len(pins) for pins in board.pins.values())

    def detach(self, exp_key: str, name: str, *, tid: int | None = None) -> None:
        """Delete what is kept under a name, by whichever attempt."""
        with self._changed:
            if exp_key in self._pinboards:
                self._pinboards[exp_key].unpin(tid, stored_name(name))

    # Reading

    def trials(
        self,
        exp_key: str,
        *,
        states: Iterable[State] | None = None,
        sort: str = "tid",
        limit: int | None = None,
    ) -> Iterator[Trial]:
        """Yield the trials of an experiment, as they were at the call."""
        with self._changed:
            found = self._in_states(exp_key, set(State) if states is None else set(states))
        return iter(ordered(found, sort)[:limit])

    def points(self, exp_key: str) -> Iterator[Trial]:
        """Yield all trials of an experiment, in short, by number."""
        return map(in_short, self.trials(exp_key))

    def trial(self, exp_key: str, tid: int) -> Trial:
        """Return one trial; raises ``NotFoundError``."""
        with self._changed:
            there = self._trials_of(exp_key).trials
            if tid not in there:
                raise NotFoundError(f"There is no trial {trial_id(exp_key, tid)}.")
            return there[tid]

    def counts(self, exp_key: str, states: Iterable[State] | None = None) -> Mapping[State, int]:
        """Return how many trials are in each state, zeros included."""
        wanted = set(State) if states is None else set(states)
        with self._changed:
            by_state = self._trials_of(exp_key).by_state
            return {state: len(by_state[state]) if state in wanted else 0 for state in State}

    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        """Return how far each of the experiments has come, in one question for all of them."""
        with self._changed:
            return {key: self._trials_of(key).summary() for key in exp_keys}

    # The worker's side

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Take the next trial of these experiments, or None when none is pending (2, 3)."""
        with self._changed:
            mine = self._run_by(token)
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
                    reports=(),
                )
            )

    def renew(self, trial: Trial) -> LeaseStatus:
        """Extend the lease on a claimed trial by its ``lease_s`` (4)."""
        with self._changed:
            present, now = self._trials_of(trial.exp_key).trials.get(trial.tid), self.now()
            if present is not None and is_held(present, trial) and not self._runs_another(trial):
                lease_until = now + timedelta(seconds=present.lease_s)
                self._put(replace(taken_up(present), heartbeat_at=now, lease_until=lease_until))
                return LeaseStatus.HELD
            if present is not None and present.state is State.CANCELLED and is_same_claim(present, trial):
                return LeaseStatus.CANCELLED
            return LeaseStatus.LOST

    def report(self, trial: Trial, reports: Sequence[Report]) -> None:
        """Append intermediate values to a claimed trial (5)."""
        with self._changed:
            present, now = self._held(trial), self.now()
            new = tuple(Report(step=float(r.step), value=float(r.value), at=now) for r in reports)
            self._put(replace(present, reports=present.reports + new))

    def finish(self, trial: Trial, result: Result) -> None:
        """Write the result of a claimed trial, done or failed (5, 7)."""
        outcome = result_document(result)
        with self._changed:
            present = self._trials_of(trial.exp_key).trials.get(trial.tid)
            if present is not None and present.state in FINISHED and is_same_claim(present, trial):
                return
            document = {**trial_document(self._held(trial)), **outcome, "finished_at": self.now()}
            self._put(replace(trial_from(document), lease_until=None))

    def release(self, trial: Trial, why: str) -> None:
        """Give a claimed trial back to pending, the attempt uncounted (5, 6)."""
        reason = encoded(why, "why")
        with self._changed:
            present = self._trials_of(trial.exp_key).trials.get(trial.tid)
            ends = present.history if present is not None else ()
            if any(e.attempt == trial.attempt and e.why == reason for e in ends):
                return
            self._put(put_back(self._held(trial), self.now(), reason, owner=None))

    def unclaim(self, trial: Trial) -> None:
        """Undo a claim whose trial was not begun (6); nothing happens if it is not held any more."""
        with self._changed:
            present = self._trials_of(trial.exp_key).trials.get(trial.tid)
            if present is not None and is_held(present, trial):
                self._put(untouched(present))

    # The registry of workers

    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        """Write a worker's sign of life, which expires after ``ttl_s`` seconds."""
        described = worker_from(worker_document(worker))
        with self._changed:
            now, present = self.now(), self._workers.get(worker.name)
            started_at = present.started_at if present and present.pid == worker.pid else now
            expire_at = now + timedelta(seconds=ttl_s)
            self._workers[worker.name] = replace(
                described, started_at=started_at, seen_at=now, expire_at=expire_at
            )

    def workers(self) -> list[Worker]:
        """Return the workers that were seen of late, by name."""
        with self._changed:
            now = self.now()
            known = (self._workers[name] for name in sorted(self._workers))
            return [worker for worker in known if is_known(worker, now)]

    def n_workers(self) -> int:
        """Return how many workers the registry holds."""
        with self._changed:
            return len(self._workers)

    def now(self) -> datetime:
        """Return the store's time, UTC, to the millisecond."""
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    # Private

    def _shown(self, exp_key: str, tid: int | None) -> dict[str, bytes]:
        """Return the attachments that show, by name; raises ``NotFoundError`` for an unknown trial."""
        attempts = [0]
        if tid is not None:
            trial = self.trial(exp_key, tid)
            attempts = visible_attempts(trial.state, trial.owner, trial.attempt)
        return self._pinboards.get(exp_key, MemoryAttachments()).shown(tid, attempts)

    def _trials_of(self, exp_key: str) -> MemoryTrials:
        return self._shelves.setdefault(exp_key, MemoryTrials())

    def _put(self, trial: Trial) -> Trial:
        self._trials_of(trial.exp_key).put(trial)
        self._changed.notify_all()
        return trial

    def _in_states(self, exp_key: str, states: set[State]) -> list[Trial]:
        shelf = self._trials_of(exp_key)
        return [shelf.trials[tid] for state in states for tid in shelf.by_state[state]]

    def _run_by(self, token: str | None) -> Trial | None:
        """Return the trial that runs under a token."""
        running = (trial for key in self._shelves for trial in self._in_states(key, {State.RUNNING}))
        return next((trial for trial in running if trial.owner == token), None)

    def _runs_another(self, trial: Trial) -> bool:
        """Whether the token of a claim runs another trial by now."""
        mine = self._run_by(trial.owner)
        return mine is not None and mine.id != trial.id

    def _is_active(self, exp_key: str) -> bool:
        now = self.now()
        running = self._in_states(exp_key, {State.RUNNING})
        has_lease = any(trial.lease_until and trial.lease_until > now for trial in running)
        return has_lease or self._experiments_table.is_led(exp_key, now)

    def _held(self, trial: Trial) -> Trial:
        """Return the trial as it is stored, running; raises ``LeaseLostError`` for another's."""
        present = self._trials_of(trial.exp_key).trials.get(trial.tid)
        if present is None or not is_held(present, trial):
            raise LeaseLostError(trial.id)
        return present
