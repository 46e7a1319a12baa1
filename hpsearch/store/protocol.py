"""What a trial store promises; one contract suite holds every store to it.

1.  Insert is idempotent: ids are ``exp_key/tid`` and tids are dense. Repeating a batch
    changes nothing; a batch that differs from what is there raises ``TrialExistsError``
    at the first trial that does, and writes nothing from there on. A trial that is final
    already, such as an imported one, comes in with its outcome and its times.
2.  A trial is claimed by exactly one worker. A claim whose answer was lost is found
    again by its token.
3.  A claim takes from the first of the experiments that has a trial waiting, in the order in
    which they are named: of that one's trials, that of the highest priority, then of the lowest
    tid. It examines a constant number of documents, however many trials are finished and
    however many experiments have none.
4.  A renewal extends the lease only for its holder, and says whether the trial is still
    held, was cancelled, or is lost. An exception says none of the three: try again.
5.  Finish, report and release apply only to the holder; anyone else gets ``LeaseLostError``
    and changes nothing. The holder is whose token the trial carries: an expired lease lets
    others claim the trial, but until one does, its holder may still renew, report and finish,
    so that work that was paid for is kept. A release gives the token up. Repeating one's own
    finish or release succeeds and changes nothing.
6.  An expired lease puts the trial back to pending, with an entry in its history; when
    ``max_attempts`` leases have expired it is failed with the kind "lost". A released trial
    does not count the attempt, although ``attempt`` grows with every claim; a claim that is undone
    leaves no entry either. The caller of
    ``expire`` sees to it that no outage was just over. No lease, nor a leader's (9), counts for
    longer than its own length from now: when the store's clock was set back, ``shorten_leases``
    and every bid for the lead see to that.
7.  A final trial never changes again.
8.  ``finished`` returns every final trial among the numbers asked for, majority-committed,
    whatever the clocks say; asking again for what was not there misses nothing.
9.  At most one coordinator leads an experiment: its lease has an epoch that grows with
    each change of hands. The leader's renewals store for how long it has led in the current
    run, by its own clock; who takes over goes on from there.
10. An acknowledged write survives kill -9 of the server and a fail-over. Every call either
    ends in bounded time, or keeps trying for as long as the store's owner wants it to.
11. An experiment is joined only with the same space and objective; a difference raises
    ``ExperimentMismatchError``, which says what differs, and changes nothing, unless the caller accepts
    changed code of the same objective, which is noted. One that has ended
    stays as it ended, with its reason, until somebody joins it: no other move leads out of there.
12. An attachment is replaced as a whole: a reader gets the old bytes or the new ones, and
    once ``attach`` has returned, the new ones. Repeating a write changes nothing.
13. What an attempt attached to its trial shows while the trial runs under the token of that
    attempt, and for ever once it is finished under it. Nothing of an attempt that was lost,
    given back or cancelled shows. What was attached under attempt 0 belongs to the trial
    itself, and always shows; of one name, what was written last.
14. ``delete_experiment`` leaves nothing of the experiment behind; when it was cut short,
    repeating it completes it. Whether a coordinator leads it is asked in the step in which the
    experiment goes, so that of a deletion that spares it and a bid for it only one succeeds.

All times are the store's own clock, never the caller's, but for those of imported trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState
from hpsearch.core.trial import Report, Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.store.rules import Content


class LeaseStatus(StrEnum):
    """The answer to a renewal."""

    HELD = "held"  #: the lease is extended
    CANCELLED = "cancelled"  #: the trial was cancelled: stop evaluating
    LOST = "lost"  #: somebody else has it, or it is final: stop evaluating


@dataclass(frozen=True, slots=True, kw_only=True)
class Leadership:
    """Who leads an experiment, as the store answered a bid for it."""

    exp_key: str
    owner: str  #: token of the coordinator that leads
    epoch: int  #: grows by one with each change of hands
    lease_until: datetime  #: store time, UTC
    lease_s: float | None  #: length of the lease; None where an older hpsearch leads
    elapsed: Elapsed | None  #: for how long it has been led; None where an older hpsearch leads
    is_mine: bool  #: whether the bidder is the owner


#: Trials by which the present rate of an experiment is measured: those suggested last.
RECENT_TRIALS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSummary:
    """How far the trials of an experiment have come."""

    counts: Mapping[State, int]  #: trials in each state, zeros included
    best: Trial | None = None  #: in short, as of ``points``, with its params: the one with the lowest loss
    n_recent: int = 0  #: finished trials among the last ``RECENT_TRIALS``
    recent_since: datetime | None = None  #: when the first of those finished
    recent_until: datetime | None = None  #: when the last did


class TrialStore(Protocol):
    """Experiments, trials and workers, kept for ever."""

    @property
    def database(self) -> str:
        """The name of the database that keeps them; a signature is bound to it."""
        ...

    # Experiments

    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create the experiment, or join it under the same name, and return it as stored (11).

        Joining takes over the budget and the defaults of the argument, not its priority. If the search had
        ended, it takes over the state, too, and the clock of its timeout starts anew; a
        paused search stays paused. An experiment whose objective is ``UNDECIDED`` takes over
        the objective, the algorithm, the seed and the lag of who joins it first. Whether the code of an
        objective has changed is known where both have a fingerprint; one without takes over the argument's.

        Parameters
        ----------
        experiment : Experiment
            What is wanted.
        accepts_change : bool
            Whether to take over changed code of the objective, and to note that, instead of refusing it.
        """
        ...

    def experiment(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        ...

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment runs, with the code of its objective known here; costs one look-up.

        Asked after a claim, it says whether the claim came before a pause, or before a change of the code was
        accepted: what ``set_experiment_state`` and ``open_experiment`` have returned is what is seen.
        """
        ...

    def experiments(
        self, states: Iterable[ExperimentState] | None = None, *, omit_space: bool = False
    ) -> list[Experiment]:
        """Return the experiments, or those in one of the states, the oldest first.

        In short, their spaces are empty, since those may be larger than all else.
        """
        ...

    def set_experiment_state(
        self, exp_key: str, state: ExperimentState, why: str | None = None, *, leader: str | None = None
    ) -> Experiment:
        """Move an experiment to a state unless it has ended, and return it as it is then (11).

        Parameters
        ----------
        exp_key : str
            The experiment.
        state : ExperimentState
            Its new state. The caller sees in the answer whether it is that.
        why : str, optional
            The reason for its end.
        leader : str, optional
            Move it only while this coordinator, named by its token, leads it.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        ...

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the share of an experiment among those of the same workers, and return it as it is then.

        Raises
        ------
        ValueError
            If it is out of bounds.
        NotFoundError
            If there is none of that name.
        """
        ...

    # The coordinator's side

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9).

        Parameters
        ----------
        exp_key : str
            The experiment.
        owner : str
            Token of the coordinator that bids.
        lease_s : float
            Length of its lease, in seconds.
        elapsed : Elapsed, optional
            Of a leader: for how long the run has been led in all. It counts if the bidder leads, that
            run is still the current one, and no more is stored.
        """
        ...

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        """Give the leadership up, if it is held; ``elapsed`` as for ``lead``."""
        ...

    def insert(self, trials: Sequence[Trial]) -> None:
        """Add trials that are pending, or final already (1).

        Raises
        ------
        ValueError
            If one is neither, or is done without a loss, or has one without being done.
        TrialExistsError
            If there is another trial under one of the numbers.
        """
        ...

    def expire(self, exp_key: str) -> int:
        """Requeue or fail the running trials whose lease is over; return how many (6)."""
        ...

    def shorten_leases(self, exp_key: str) -> int:
        """Let the leases that end later than their own length from now end then; return how many (6)."""
        ...

    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        """Return those of the trials that are final, by tid (8)."""
        ...

    def cancel(self, exp_key: str, states: Iterable[State]) -> int:
        """Cancel all trials that are in one of the states, pending or running; return how many."""
        ...

    def wait_for_change(self, exp_key: str, timeout_s: float) -> None:
        """Return when a trial of the experiment may have changed, or after the timeout.

        Only a hint: it may return early for nothing, or late for something.
        """
        ...

    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        """Delete an experiment with its trials and attachments; return how many trials (14).

        Parameters
        ----------
        exp_key : str
            The experiment.
        unless_active : bool
            Leave it as it is while a coordinator leads it or a lease on one of its trials holds.

        Raises
        ------
        NotFoundError
            If there is nothing under that name.
        ExperimentActiveError
            If it was spared.
        """
        ...

    # Attachments

    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Keep bytes under a name beside an experiment, or beside a trial (12).

        Neither needs to exist yet. There is no limit of size but memory.

        Parameters
        ----------
        exp_key : str
            The experiment.
        name : str
            Any text; what is there under that name is replaced.
        data : bytes
            What to keep.
        tid : int, optional
            The trial; by default the attachment is the experiment's.
        attempt : int
            The attempt at the trial that made it (13); 0 when it is not an attempt's.

        Raises
        ------
        StoreError
            If the name is not text or the data are not bytes.
        """
        ...

    def attach_all(
        self, exp_key: str, contents: Mapping[str, Content], *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Keep many, in few round trips, each as ``attach`` does (12).

        Parameters
        ----------
        exp_key : str
            The experiment.
        contents : mapping
            What to keep, by name.
        tid : int, optional
            The trial; by default the attachments are the experiment's.
        attempt : int
            As of ``attach``.

        Raises
        ------
        StoreError
            As ``attach`` does; some may then be stored, and the call may be repeated.
        """
        ...

    def attachment(
        self, exp_key: str, name: str, *, tid: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        """Return what is kept under a name (12, 13).

        Raises
        ------
        NotFoundError
            If there is nothing.
        TooLargeError
            If it takes more than ``max_bytes``; it is not fetched.
        """
        ...

    def attachments(self, exp_key: str, *, tid: int | None = None) -> list[str]:
        """Return the names of the attachments, sorted (13).

        Raises
        ------
        NotFoundError
            If there is no such trial. An experiment that does not exist has no attachments.
        """
        ...

    def n_attachments(self, exp_key: str) -> int:
        """Return how many attachments an experiment and its trials have, whether they show or not."""
        ...

    def detach(self, exp_key: str, name: str, *, tid: int | None = None) -> None:
        """Delete what is kept under a name, by whichever attempt; nothing happens if there is nothing."""
        ...

    # Reading

    def trials(
        self,
        exp_key: str,
        *,
        states: Iterable[State] | None = None,
        sort: str = "tid",
        limit: int | None = None,
    ) -> Iterator[Trial]:
        """Yield the trials of an experiment.

        Parameters
        ----------
        exp_key : str
            The experiment.
        states : iterable of State, optional
            Only trials in one of these.
        sort : {"tid", "newest", "loss"}
            By number, the highest number first, or the best loss first; "loss" yields
            only trials that have one.
        limit : int, optional
            At most so many.
        """
        ...

    def points(self, exp_key: str) -> Iterator[Trial]:
        """Yield all trials of an experiment, in short, by number.

        They have their number, values, state, loss and ``finished_at``: what a coordinator
        learns from them. All else of them is as in a new trial.
        """
        ...

    def trial(self, exp_key: str, tid: int) -> Trial:
        """Return one trial; raises ``NotFoundError``."""
        ...

    def counts(self, exp_key: str, states: Iterable[State] | None = None) -> Mapping[State, int]:
        """Return how many trials are in each state, zeros included.

        Counting only the states asked for costs no more than there are such trials.
        """
        ...

    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        """Return how far each of the experiments has come, in one question for all of them.

        One that does not exist has no trials.
        """
        ...

    # The worker's side

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Take the next trial of these experiments, or None when none is pending (2, 3).

        Parameters
        ----------
        worker : Worker
            Who claims.
        token : str
            Fresh and random for each new claim; the same again to repeat a claim
            whose answer was lost.
        exp_keys : sequence of str
            The experiments to take from, the one whose turn it is first. The lease lasts for the
            trial's ``lease_s``.
        """
        ...

    def renew(self, trial: Trial) -> LeaseStatus:
        """Extend the lease on a claimed trial by its ``lease_s`` (4).

        A trial that was put back is lost to a token that runs another by now: a token runs one trial.
        """
        ...

    def report(self, trial: Trial, reports: Sequence[Report]) -> None:
        """Append intermediate values to a claimed trial (5); the store fills in the time."""
        ...

    def finish(self, trial: Trial, result: Result) -> None:
        """Write the result of a claimed trial, done or failed (5, 7)."""
        ...

    def release(self, trial: Trial, why: str) -> None:
        """Give a claimed trial back to pending, the attempt uncounted (5, 6)."""
        ...

    def unclaim(self, trial: Trial) -> None:
        """Undo a claim whose trial was not begun (6); nothing happens if it is not held any more."""
        ...

    # The registry of workers

    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        """Write a worker's sign of life, which expires after ``ttl_s`` seconds."""
        ...

    def workers(self) -> list[Worker]:
        """Return the workers that were seen of late, by name."""
        ...

    def n_workers(self) -> int:
        """Return about how many workers the registry holds, at the same cost for any number."""
        ...

    def now(self) -> datetime:
        """Return the store's time, UTC."""
        ...

    def close(self) -> None:
        """Release connections; the store is not usable afterwards."""
        ...
