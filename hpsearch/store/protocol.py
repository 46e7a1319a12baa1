"""The guarantees of a trial store; ``hpsearch.testing`` checks any store against them.

1.  Insert is idempotent: ids are ``exp_key/tid`` and tids are dense. Repeating a batch
    changes nothing. A batch that differs from the stored trials raises ``TrialExistsError``
    at the first difference and writes nothing from there on. A trial that is already final,
    such as an imported one, is stored with its outcome and its times.
2.  A trial is claimed by exactly one worker. A claim whose answer was lost is found
    again by its token.
3.  A claim takes from the first of the listed experiments that has a pending trial: the one
    with the highest priority, then with the lowest tid. It examines a constant number of
    documents, however many trials are finished and however many experiments have none pending.
4.  A renewal extends the lease only for its holder, and reports whether the trial is still
    held, was cancelled, or is lost. An exception means none of the three: try again.
5.  Finish, report and release apply only to the holder; anyone else gets ``LeaseLostError``
    and changes nothing. The holder is the worker whose token the trial carries. An expired lease
    lets others claim the trial, but until one does, its holder may still renew, report and finish,
    so that no paid-for work is lost. A release gives up the token. Repeating one's own
    finish or release succeeds and changes nothing.
6.  An expired lease returns the trial to pending, with an entry in its history; when
    ``max_attempts`` leases have expired, it fails with the kind "lost". Only those count since the
    last attempt that came further, by its checkpoint (16), than all before. A release does not
    count as a lost attempt, although ``attempt`` grows with every claim; an undone claim leaves no
    entry either. The caller of ``expire`` makes sure that no outage has just ended. No lease,
    including a leader's (9), lasts longer than its own length from now: after the store's clock
    was set back, ``shorten_leases`` and every bid for the lead shorten it.
7.  A final trial never changes again, except for the mark of an invalid one (15), a note and tags (17).
8.  ``finished`` returns every final trial among the given numbers, majority-committed and
    independent of any clock; asking again for the missing ones misses none.
9.  At most one coordinator leads an experiment; its lease has an epoch that grows with
    each new leader. The leader's renewals store for how long the current run has been led,
    by its own clock; the next leader continues from there.
10. An acknowledged write survives kill -9 of the server and a fail-over. Every call either
    ends in bounded time, or repeats for as long as the owner of the store wants.
11. An experiment is joined only with the same space and objective; a difference raises
    ``ExperimentMismatchError``, which describes it, and changes nothing, unless the caller accepts
    changed code of the same objective, which is recorded. An experiment that has ended keeps its
    state and its reason until it is joined; no other call changes them.
12. An attachment is replaced as a whole: a reader gets the old bytes or the new ones, and
    the new ones once ``attach`` has returned. Repeating a write changes nothing.
13. Attachments of an attempt are visible while the trial runs under the token of that attempt,
    and permanently once it is finished under it. Those of an attempt that was lost, released
    or cancelled are not. An attachment made under attempt 0 belongs to the trial itself and is
    always visible; of several with one name, the last write counts.
14. ``delete_experiment`` leaves nothing of the experiment behind; repeating an interrupted
    deletion completes it. A conditional deletion and a bid for the lead exclude each other: the
    step that deletes the experiment also checks that no coordinator leads it.
15. A mark makes a finished trial invalid, and can be removed. It stands beside the result, which stays
    as it is. An invalid trial is in no count of done or failed trials, and never the best; reading
    shows it with its mark. Marks, and calls of ``revise``, raise the experiment's revision after
    they are visible, so that who reads the trials after a new revision misses none.
16. A checkpoint is stored whole before the trial points at it, and only the holder of the trial moves
    that pointer: a reader gets the old checkpoint or the new one. A claim keeps the reports up to the
    step of the checkpoint, and drops later ones. The content may be deleted once the trial is final.
17. Notes and tags of experiments and trials, also of final ones, are for people: they can be changed at any
    time, and nothing else depends on them.
18. The policy of the pruner is replaced as a whole, and only by the leader. A report, the rungs that it
    reached and the verdict on them are stored in one step.
19. A done trial has one loss, or several by name. A trial that exceeds a limit is done, but never the best;
    fronts of several losses are computed by readers, since each new trial may change them.

All times are the store's own clock, never the caller's, except those of imported trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState
from hpsearch.core.trial import Report, Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.store.checks import Content

if TYPE_CHECKING:
    from hpsearch.core.stopping.curve import RungValue
    from hpsearch.core.stopping.verdict import Verdict
    from hpsearch.core.trial_filter import TrialFilter


class LeaseStatus(StrEnum):
    """Whether a worker still holds its trial; the answer to a renewal."""

    HELD = "held"  #: the lease is extended
    CANCELLED = "cancelled"  #: the trial was cancelled: stop evaluating
    LOST = "lost"  #: another worker has it, or it is final: stop evaluating


@dataclass(frozen=True, slots=True, kw_only=True)
class Leadership:
    """Who leads an experiment; the answer to a bid."""

    exp_key: str
    owner: str  #: token of the coordinator that leads; empty if none does
    epoch: int  #: grows by one with each new leader
    lease_until: datetime  #: store time, UTC
    lease_s: float | None  #: length of the lease; None where an older hpsearch leads
    elapsed: Elapsed | None  #: for how long the current run has been led; None where an older hpsearch leads
    is_mine: bool  #: whether the bidder is the owner


#: The current rate of an experiment is measured on so many trials, those suggested last.
RECENT_TRIALS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSummary:
    """The trials of one experiment in numbers."""

    counts: Mapping[State, int]  #: valid trials in each state, including zeros
    n_invalid: int = 0  #: finished trials that were marked as invalid; the counts do not include them
    best: Trial | None = (
        None  #: lowest loss of a valid, feasible trial; has the fields that ``points`` yields, and params
    )
    n_recent: int = 0  #: finished ones among the last ``RECENT_TRIALS`` trials
    recent_since: datetime | None = None  #: when the first of those finished
    recent_until: datetime | None = None  #: when the last did


class TrialStore(Protocol):
    """Persistent experiments, trials, attachments and workers."""

    @property
    def database(self) -> str:
        """Name of the database; signatures of objectives are bound to it."""
        ...

    # Experiments

    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create the experiment, or join it under the same name, and return it as stored (11).

        Joining stores the budget and the defaults of the argument, but not its priority. If the experiment
        had ended, joining also stores the argument's state and starts a new run, whose timeout begins now;
        a paused experiment stays paused. An experiment whose objective is ``UNDECIDED`` gets the objective,
        the algorithm, the seed and the lag of the first argument that joins it. Changed code of an objective
        is detected where both have a fingerprint; a stored objective without one gets the argument's.

        Parameters
        ----------
        experiment : Experiment
            The experiment to create or join.
        accepts_change : bool
            Whether to store changed code of the objective, and record the change, instead of refusing it.

        Raises
        ------
        ExperimentMismatchError
            If the stored experiment has another space or objective.
        """
        ...

    def experiment(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        ...

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment is running with the same objective code; costs one look-up.

        Called after a claim, it shows whether the claim preceded a pause or an accepted change of the code:
        it sees everything that ``set_experiment_state`` and ``open_experiment`` have returned.
        """
        ...

    def experiments(
        self, states: Iterable[ExperimentState] | None = None, *, omit_space: bool = False
    ) -> list[Experiment]:
        """Return the experiments, oldest first.

        Parameters
        ----------
        states : iterable of ExperimentState, optional
            Only experiments in one of these.
        omit_space : bool
            Whether to return them with empty spaces, which may be larger than everything else.
        """
        ...

    def experiments_with(self, labels: Iterable[str], *, limit: int) -> list[Experiment]:
        """Return experiments whose space has all of some parameters, the newest first.

        Parameters
        ----------
        labels : iterable of str
            Labels of the parameters; without any, there is no such experiment.
        limit : int
            The maximum number of experiments; positive.
        """
        ...

    def set_experiment_state(
        self, exp_key: str, state: ExperimentState, why: str | None = None, *, leader: str | None = None
    ) -> Experiment:
        """Change the state of an experiment unless it has ended, and return the stored experiment (11).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        state : ExperimentState
            The new state; compare it with that of the returned experiment.
        why : str, optional
            Why it ended.
        leader : str, optional
            Token of a coordinator; change the state only while it leads.

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        """
        ...

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the priority of an experiment, and return the stored experiment.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        priority : int
            Its share among the experiments of the same workers, from 0 to ``HIGHEST_PRIORITY``.

        Raises
        ------
        ValueError
            If the priority is out of range.
        NotFoundError
            If there is no such experiment.
        """
        ...

    # The coordinator's side

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        owner : str
            Token of the bidding coordinator.
        lease_s : float
            Length of the lease, in seconds; not negative.
        elapsed : Elapsed, optional
            For how long the run has been led in total. Stored if the bidder leads, the run is still the
            current one, and the stored time is shorter.
        """
        ...

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        """Give up the leadership, if held.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        owner : str
            Token of the coordinator.
        elapsed : Elapsed, optional
            As for ``lead``.
        """
        ...

    def insert(self, trials: Sequence[Trial]) -> None:
        """Add trials that are pending or already final (1).

        Raises
        ------
        ValueError
            If a trial is neither, is done without a loss or losses, or has a loss without being done.
        TrialExistsError
            If a different trial has one of the numbers.
        """
        ...

    def expire(self, exp_key: str) -> int:
        """Return trials with expired leases to pending or fail them; return how many (6)."""
        ...

    def shorten_leases(self, exp_key: str) -> int:
        """Shorten leases that end later than their own length from now; return how many (6)."""
        ...

    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        """Return the final ones among some trials, by tid (8).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tids : iterable of int
            Numbers of the trials; those of missing trials are ignored.
        """
        ...

    def cancel(self, exp_key: str, states: Iterable[State], *, tids: Iterable[int] | None = None) -> int:
        """Cancel trials in some states; return how many.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        states : iterable of State
            ``PENDING``, ``RUNNING`` or both.
        tids : iterable of int, optional
            Only trials with these numbers.

        Raises
        ------
        ValueError
            If one of the states is final.
        """
        ...

    def publish_policy(self, exp_key: str, policy: Mapping[str, Any], leader: str) -> bool:
        """Store the pruner's policy of an experiment; return whether it was stored (18).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        policy : mapping
            A plain document with a ``version``.
        leader : str
            Token of a coordinator, which must lead the experiment.
        """
        ...

    def revise(self, exp_key: str) -> None:
        """Raise the revision of an experiment, so that its coordinator reads all trials again (15).

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        """
        ...

    def mark_invalid(self, exp_key: str, tids: Iterable[int], why: str | None) -> int:
        """Mark finished trials as invalid, or remove the mark; return how many changed (15).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tids : iterable of int
            Numbers of the trials; those that are not finished, or have or lack the mark already, stay.
        why : str or None
            The reason; None removes the mark.

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        """
        ...

    def annotate(
        self,
        exp_key: str,
        tid: int | None = None,
        *,
        note: str | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> None:
        """Change the note and the tags of an experiment or a trial (17).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tid : int, optional
            Number of the trial; by default the experiment itself.
        note : str, optional
            The new note; None keeps the present one, an empty text removes it.
        add, remove : iterable of str
            Tags to add, and to remove.

        Raises
        ------
        NotFoundError
            If there is no such experiment or trial.
        """
        ...

    @property
    def sees_changes(self) -> bool:
        """Whether ``wait_for_change`` waits for changes; where it cannot, it returns after a moment."""
        ...

    def wait_for_change(self, exp_key: str | None, timeout_s: float) -> None:
        """Return when a trial of the experiment may have changed, or after the timeout.

        Only a hint: it may return without a change, or late after one.

        Parameters
        ----------
        exp_key : str or None
            Name of the experiment; None for any experiment.
        timeout_s : float
            Seconds; not negative.
        """
        ...

    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        """Delete an experiment with its trials and attachments; return how many trials (14).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        unless_active : bool
            Whether to refuse while a coordinator leads it or a worker holds one of its trials.

        Raises
        ------
        NotFoundError
            If nothing is stored under that name.
        ExperimentActiveError
            If the deletion was refused.
        """
        ...

    # Attachments

    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Store bytes under a name with an experiment or one of its trials (12).

        The experiment or trial need not exist yet. The size is limited only by memory.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        name : str
            Any text; an attachment with that name is replaced.
        data : bytes, bytearray or memoryview
            The content; must not change during the call.
        tid : int, optional
            Number of the trial; by default the attachment belongs to the experiment.
        attempt : int
            The attempt that made it (13); 0 if it belongs to the trial itself.

        Raises
        ------
        StoreError
            If the name is not text or the data are not bytes.
        """
        ...

    def attach_all(
        self, exp_key: str, contents: Mapping[str, Content], *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Store many attachments in few round trips, each as ``attach`` does (12).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        contents : mapping of str to bytes
            Content by name.
        tid : int, optional
            Number of the trial; by default the attachments belong to the experiment.
        attempt : int
            As for ``attach``.

        Raises
        ------
        StoreError
            As ``attach`` does; some may then be stored, and the call may be repeated.
        """
        ...

    def attachment(
        self, exp_key: str, name: str, *, tid: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        """Return the content of an attachment (12, 13).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        name : str
            Name of the attachment.
        tid : int, optional
            Number of the trial; by default the attachment belongs to the experiment.
        max_bytes : int, optional
            Largest size to fetch; by default any.

        Raises
        ------
        NotFoundError
            If there is none.
        TooLargeError
            If it is larger than ``max_bytes``.
        """
        ...

    def attachments(self, exp_key: str, *, tid: int | None = None) -> list[str]:
        """Return the names of the visible attachments, sorted (13); checkpoints are not listed.

        Parameters
        ----------
        exp_key : str
            Name of the experiment; a missing one has no attachments.
        tid : int, optional
            Number of the trial; by default those of the experiment itself.

        Raises
        ------
        NotFoundError
            If there is no such trial.
        """
        ...

    def n_attachments(self, exp_key: str) -> int:
        """Return how many attachments an experiment and its trials have, including invisible ones."""
        ...

    def detach(self, exp_key: str, name: str, *, tid: int | None = None) -> None:
        """Delete an attachment, of every attempt, if there is one.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        name : str
            Name of the attachment.
        tid : int, optional
            Number of the trial; by default the attachment belongs to the experiment.
        """
        ...

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
        """Yield the trials of an experiment.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        states : iterable of State, optional
            Only trials in one of these.
        sort : {"tid", "newest", "loss"}
            By number, by descending number, or by loss; "loss" yields only valid, feasible trials with one.
        limit : int, optional
            The maximum number of trials; not negative.
        where : TrialFilter, optional
            Only trials that it selects.
        """
        ...

    def points(self, exp_key: str, *, sort: str = "tid", limit: int | None = None) -> Iterator[Trial]:
        """Yield trials of an experiment with only the fields needed for learning.

        These are the number, values, state, loss, ``losses``, ``violations``, ``finished_at`` and
        ``invalid``; all others have their defaults.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        sort : {"tid", "newest", "loss"}
            As for ``trials``.
        limit : int, optional
            The maximum number of trials; not negative.
        """
        ...

    def curves(
        self, exp_key: str, *, tids: Iterable[int] | None = None, all_reports: bool = False
    ) -> Iterator[Trial]:
        """Yield trials of an experiment by number, as ``points`` does, with their rungs and reports.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tids : iterable of int, optional
            Only trials with these numbers.
        all_reports : bool
            Whether to return all reports, instead of the last one.
        """
        ...

    def trial(self, exp_key: str, tid: int) -> Trial:
        """Return one trial.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tid : int
            Number of the trial.

        Raises
        ------
        NotFoundError
            If there is no such trial.
        """
        ...

    def counts(self, exp_key: str, states: Iterable[State] | None = None) -> Mapping[State, int]:
        """Return how many valid trials are in each state, including zeros.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        states : iterable of State, optional
            Count only these, at a cost proportional to the number of such trials; others are 0.
        """
        ...

    def n_invalid(self, exp_key: str) -> int:
        """Return how many finished trials were marked as invalid (15)."""
        ...

    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        """Return a summary of each experiment's trials, in one call; a missing experiment has none."""
        ...

    # The worker's side

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Claim the next trial of some experiments for its ``lease_s``; None if none is pending (2, 3).

        Parameters
        ----------
        worker : Worker
            The claiming worker.
        token : str
            New and random for each claim; the same to repeat a claim whose answer was lost.
        exp_keys : sequence of str
            Names of the experiments, in the order in which to look for a pending trial.
        """
        ...

    def renew(self, trial: Trial) -> LeaseStatus:
        """Extend the lease on a claimed trial by its ``lease_s`` (4).

        A token holds one trial: one whose lease expired is lost once its token has claimed another.
        """
        ...

    def report(
        self,
        trial: Trial,
        reports: Sequence[Report],
        *,
        rungs: Sequence[RungValue] = (),
        verdict: Verdict | None = None,
    ) -> None:
        """Append intermediate values to a claimed trial, in one step with what follows from them (5).

        Parameters
        ----------
        trial : Trial
            As ``claim`` returned it.
        reports : sequence of Report
            The values; the store sets their times.
        rungs : sequence of RungValue
            All rungs that the trial has reached; they replace the stored ones. Empty leaves them.
        verdict : Verdict, optional
            The last decision of the pruner; it replaces the stored one. None leaves it.

        Raises
        ------
        LeaseLostError
            If the worker does not hold the trial; so do ``finish`` and ``release``.
        """
        ...

    def finish(self, trial: Trial, result: Result) -> None:
        """Write the result of a claimed trial, done or failed (5, 7).

        Parameters
        ----------
        trial : Trial
            As ``claim`` returned it.
        result : Result
            The outcome; a failed one has no loss.
        """
        ...

    def save_checkpoint(
        self, trial: Trial, step: float, *, data: Content | None = None, path: str | None = None
    ) -> None:
        """Store a checkpoint of a claimed trial in place of the last one (5, 16).

        Parameters
        ----------
        trial : Trial
            As ``claim`` returned it.
        step : float
            The step that it reached; not NaN.
        data : bytes, bytearray or memoryview, optional
            Its content; must not change during the call.
        path : str, optional
            Where the objective keeps its content, instead of ``data``.

        Raises
        ------
        LeaseLostError
            If the worker does not hold the trial.
        StoreError
            If the data are not bytes.
        """
        ...

    def checkpoint_data(self, trial: Trial) -> bytes:
        """Return the content of the checkpoint of a claimed trial, as ``claim`` returned it (16).

        Raises
        ------
        NotFoundError
            If it has none.
        """
        ...

    def sweep_checkpoints(self, exp_key: str, tids: Iterable[int] | None = None) -> None:
        """Delete the content of the checkpoints of final trials (16).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tids : iterable of int, optional
            Numbers of the trials, by default of all; those that are not final keep theirs.
        """
        ...

    def policy(self, exp_key: str, known_version: int | None = None) -> Mapping[str, Any] | None:
        """Return the pruner's policy of an experiment (18).

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        known_version : int, optional
            Return None if the policy has this version.
        """
        ...

    def release(self, trial: Trial, why: str) -> None:
        """Return a claimed trial to pending without counting the attempt as lost (5, 6).

        Parameters
        ----------
        trial : Trial
            As ``claim`` returned it.
        why : str
            The reason, for the history of the trial.
        """
        ...

    def unclaim(self, trial: Trial) -> None:
        """Undo the claim of a trial that was not started (6); do nothing if it is no longer held."""
        ...

    # The registry of workers

    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        """Write the registry entry of a worker.

        Parameters
        ----------
        worker : Worker
            The entry; the store sets its times.
        ttl_s : float
            Seconds after which the entry expires; not negative.
        """
        ...

    def workers(self) -> list[Worker]:
        """Return the workers whose entry has not expired, by name."""
        ...

    def n_workers(self) -> int:
        """Return the approximate number of registry entries, at constant cost."""
        ...

    def now(self) -> datetime:
        """Return the current time of the store's clock, UTC."""
        ...

    def close(self) -> None:
        """Close connections; the store cannot be used afterwards."""
        ...
