"""The store on MongoDB: one document per trial, one conditional update per transition.

The documents stand in ``hpsearch.store.documents``, the filters and updates in ``queries.py``, what
the server checks and indexes in ``schema.py``; here each promise of ``protocol.py`` is
one call. Every call is such that repeating it is doing it once, because the answer to
any of them may be lost: ``Connection.call`` repeats it then.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Self

import bson
from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, InvalidName
from pymongo.read_concern import ReadConcern

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState
from hpsearch.core.trial import Report, Result, State, Trial, trial_id
from hpsearch.core.worker import Worker
from hpsearch.errors import (
    ConfigurationError,
    ExperimentActiveError,
    LeaseLostError,
    NotFoundError,
    TooLargeError,
    UnreadableError,
)
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.stats import Contact
from hpsearch.store.documents.encoding import encoded, utc
from hpsearch.store.documents.fields import Fields, place_of
from hpsearch.store.documents.migration import Document
from hpsearch.store.documents.trial import (
    BEST_FIELDS,
    POINT_FIELDS,
    best_from,
    counts_from,
    holder_document,
    point_from,
    report_documents,
    result_document,
    trial_from,
)
from hpsearch.store.documents.worker import worker_document, worker_from
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.attachments import Attachments
from hpsearch.store.mongo.changes import Changes
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.corrupt_documents import CorruptDocuments
from hpsearch.store.mongo.current import current_database
from hpsearch.store.mongo.experiments import Experiments
from hpsearch.store.mongo.gridfs import Place, at, of_experiment
from hpsearch.store.mongo.insertion import Insertion
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import prepare_database
from hpsearch.store.mongo.reading import pages, read
from hpsearch.store.mongo.schema import EXPERIMENTS, TRIALS, WORKERS
from hpsearch.store.protocol import RECENT_TRIALS, Leadership, LeaseStatus, TrialSummary
from hpsearch.store.rules import (
    Content,
    attempts_shown,
    check_cancellable,
    check_insertable,
    checked_content,
    stored_name,
)

log = logging.getLogger(__name__)

#: Trials that one call asks for by number, so that it stays well within its time limit.
_NUMBERS = 5_000

#: Experiments about which one answer of the server says how far they have come; for the same reason.
_SUMMARIES = 100

_AFTER = ReturnDocument.AFTER


class MongoStore:
    """A ``TrialStore`` on MongoDB 5.0 or newer; safe for use by several threads.

    On a standalone server everything works, but less is promised: no change streams, so
    that ``wait_for_change`` polls, and acknowledged writes live on one disk.
    """

    def __init__(self, connection: Connection, database: str) -> None:
        self._connection = connection
        self._call = connection.call
        try:
            self._database = current_database(lambda: connection.client, database)
        except InvalidName as error:
            raise ConfigurationError(f"{database!r} cannot be the name of a MongoDB database.") from error
        self._trials: Collection[Document] = self._database[TRIALS]
        self._workers: Collection[Document] = self._database[WORKERS]
        # What was read here cannot be rolled back by a fail-over.
        self._settled = self._trials.with_options(read_concern=ReadConcern("majority"))
        self._pages = partial(pages, connection, self._trials)
        self._insertion = Insertion(connection, self._trials, self._settled, self.now)
        self._damage = CorruptDocuments(connection, self._trials)
        self._experiments = Experiments(connection, self._database[EXPERIMENTS], self._damage)
        self._attachments = Attachments(connection, self._database)
        self._changes = Changes(self._trials, has_stream=not connection.is_standalone)

    @classmethod
    def connect(
        cls,
        uri: str,
        *,
        database: str | None = None,
        patience: Patience,
        on_contact: Callable[[], None] = lambda: None,
        read_uri: Callable[[], str] | None = None,
    ) -> Self:
        """Connect to a MongoDB.

        Parameters
        ----------
        uri : str
            ``mongodb://`` or ``mongodb+srv://`` with all options of the driver, which override ours.
        database : str, optional
            Its name; by default the one in the URI's path, else "hpsearch".
        patience : Patience
            How long to repeat a call, here and later, while MongoDB is away or refuses the user.
        on_contact : callable
            Called, in the thread that asked, whenever MongoDB has answered.
        read_uri : callable, optional
            Reads the URI again after a refusal, where a file holds it.

        Raises
        ------
        ConfigurationError
            If the URI or the name is not valid, or the server is older than MongoDB 5.0.
        StorePermissionError
            If the server refuses the user.
        StoreUnavailableError
            If it cannot be reached for longer than the patience lasts.
        """
        connection = Connection(uri, patience, on_contact, read_uri)
        if connection.is_standalone:
            log.warning(
                "MongoDB at %s is a standalone server: hpsearch polls for changes, and results are only as "
                "safe as its one disk; a replica set, even of one member, has neither limit",
                connection.hosts,
                extra=Event.STANDALONE.of(hosts=connection.hosts),
            )
        return cls(connection, database or connection.client.get_default_database(DATABASE).name)

    @property
    def database(self) -> str:
        """The name of the database."""
        return self._database.name

    def prepare(self) -> None:
        """Create collections, validators and indexes where they are missing; repeatable.

        A user who may not is taken to work on a database that somebody prepared.
        """
        prepare_database(self._connection, self._database)

    # Experiments

    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        """Create the experiment, or join it under the same name (11)."""
        self.prepare()
        return self._experiments.open(experiment, accepts_change=accepts_change)

    def experiment(self, exp_key: str) -> Experiment:
        """Return one experiment; raises ``NotFoundError``."""
        return self._experiments.find(exp_key)

    def is_running(self, experiment: Experiment) -> bool:
        """Return whether an experiment runs, its objective with the code that is known here."""
        return self._experiments.is_running(experiment)

    def experiments(
        self, states: Iterable[ExperimentState] | None = None, *, omit_space: bool = False
    ) -> list[Experiment]:
        """Return the experiments, or those in one of the states, the oldest first."""
        return self._experiments.listed(states, omit_space=omit_space)

    def set_experiment_state(
        self, exp_key: str, state: ExperimentState, why: str | None = None, *, leader: str | None = None
    ) -> Experiment:
        """Move an experiment to a state unless it has ended, and return it as it is then (11)."""
        return self._experiments.move(exp_key, state, why, leader)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        """Change the share of an experiment, and return it as it is then."""
        return self._experiments.set_priority(exp_key, priority)

    # The coordinator's side

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        """Bid for, or renew, the leadership of an experiment (9)."""
        return self._experiments.lead(exp_key, owner, lease_s, elapsed)

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        """Give the leadership up, if it is held."""
        self._experiments.resign(exp_key, owner, elapsed)

    def insert(self, trials: Sequence[Trial]) -> None:
        """Add trials that are pending, or final already (1)."""
        check_insertable(trials)
        self._insertion.insert(trials)

    def expire(self, exp_key: str) -> int:
        """Requeue or fail the running trials whose lease is over; return how many (6)."""
        lost = queries.expired(exp_key)
        return self._damage.change(
            lost, lambda: self._trials.update_many(lost, queries.expire()).modified_count
        )

    def shorten_leases(self, exp_key: str) -> int:
        """Let the leases that end later than their own length from now end then; return how many (6)."""
        longer = queries.too_long(exp_key)
        return self._call(self._trials.update_many, longer, queries.shorten()).modified_count

    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        """Return those of the trials that are final, by tid (8)."""
        found: list[Trial] = []
        numbers = sorted(tids)
        for start in range(0, len(numbers), _NUMBERS):
            settled = queries.settled(exp_key, numbers[start : start + _NUMBERS])
            documents = self._call(read, self._settled, settled)
            found += sorted(self._damage.read(documents), key=lambda trial: trial.tid)
        return found

    def cancel(self, exp_key: str, states: Iterable[State]) -> int:
        """Cancel all trials that are in one of the states, pending or running; return how many."""
        doomed = queries.to_take(exp_key, check_cancellable(states))
        return self._damage.change(
            doomed, lambda: self._trials.update_many(doomed, queries.cancel()).modified_count
        )

    def wait_for_change(self, exp_key: str, timeout_s: float) -> None:
        """Return when a trial of the experiment may have changed, or after the timeout."""
        self._changes.wait(exp_key, timeout_s)

    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        """Delete an experiment with its trials and attachments; return how many trials (14)."""
        if unless_active:
            self.shorten_leases(exp_key)
            self._experiments.shorten_lead(exp_key)
            if self._call(self._trials.find_one, queries.in_hand(exp_key), {"_id": 1}):
                raise ExperimentActiveError(exp_key)
        all_trials = queries.of(exp_key)
        n_trials = self._call(self._trials.count_documents, all_trials)
        # First of all the experiment: nobody suggests or claims any more while the rest goes.
        was_there = self._experiments.delete(exp_key, unless_led=unless_active)
        n_files = self._attachments.drop(of_experiment(exp_key))
        # Last of all the trials: a coordinator may have been about to insert some.
        self._call(self._trials.delete_many, all_trials)
        if not (was_there or n_trials or n_files):
            raise NotFoundError(f"There is no experiment {exp_key!r}.")
        return n_trials

    # Attachments

    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Keep bytes under a name beside an experiment, or beside a trial (12)."""
        self.attach_all(exp_key, {name: data}, tid=tid, attempt=attempt)

    def attach_all(
        self, exp_key: str, contents: Mapping[str, Content], *, tid: int | None = None, attempt: int = 0
    ) -> None:
        """Keep many, some hundreds with each call of the driver (12)."""
        checked = {stored_name(name): checked_content(name, data) for name, data in contents.items()}
        self._attachments.write(exp_key, tid, checked, attempt)

    def attachment(
        self, exp_key: str, name: str, *, tid: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        """Return what is kept under a name (12, 13)."""
        place = Place(exp_key=exp_key, tid=tid, name=stored_name(name))
        return self._attachments.read(place, self._attempts_shown(exp_key, tid), max_bytes)

    def attachments(self, exp_key: str, *, tid: int | None = None) -> list[str]:
        """Return the names of the attachments, sorted (13)."""
        return self._attachments.names(exp_key, tid, self._attempts_shown(exp_key, tid))

    def n_attachments(self, exp_key: str) -> int:
        """Return how many attachments an experiment and its trials have, whether they show or not."""
        return self._attachments.count(of_experiment(exp_key))

    def detach(self, exp_key: str, name: str, *, tid: int | None = None) -> None:
        """Delete what is kept under a name, by whichever attempt."""
        self._attachments.drop(at(Place(exp_key=exp_key, tid=tid, name=stored_name(name))))

    # Reading

    def trials(
        self,
        exp_key: str,
        *,
        states: Iterable[State] | None = None,
        sort: str = "tid",
        limit: int | None = None,
    ) -> Iterator[Trial]:
        """Yield the trials of an experiment, in pages, so that a long read survives an outage."""
        if sort not in queries.ORDERS:
            raise ValueError(f"trials cannot be sorted by {sort!r}; use one of {', '.join(queries.ORDERS)}")
        wanted = queries.of(exp_key, states)
        if sort == "loss":
            wanted = {"$and": [wanted, queries.with_loss(exp_key)]}
        found = self._damage.read(self._pages(wanted, sort, limit=limit))
        return (trial for trial in found if sort != "loss" or trial.state is State.DONE)

    def points(self, exp_key: str) -> Iterator[Trial]:
        """Yield all trials of an experiment, in short, by number."""
        documents = self._pages(queries.of(exp_key), "tid", fields=POINT_FIELDS)
        return self._damage.read(documents, point_from)

    def trial(self, exp_key: str, tid: int) -> Trial:
        """Return one trial; raises ``NotFoundError``."""
        return trial_from(self._trial_document(exp_key, tid))

    def counts(self, exp_key: str, states: Iterable[State] | None = None) -> Mapping[State, int]:
        """Return how many trials are in each state, zeros included."""
        groups = self._call(_aggregate, self._trials, queries.counts(exp_key, states))
        return counts_from(groups)

    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        """Return how far each of the experiments has come, in one question for all of them."""
        keys = sorted(set(exp_keys))
        found = {key: TrialSummary(counts=counts_from(())) for key in keys}
        pipeline = queries.summaries(keys, TRIALS, BEST_FIELDS, RECENT_TRIALS)
        for document in self._call(_aggregate, self._database[EXPERIMENTS], pipeline, _SUMMARIES):
            found[document["_id"]] = self._standing(document)
        return found

    # The worker's side

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Take the next trial of these experiments, or None when none is pending (2, 3)."""
        while exp_keys and (document := self._claimed(worker, token, exp_keys)) is not None:
            try:
                return trial_from(document)
            except UnreadableError as error:
                self._damage.fail(document, error)
        return None

    def renew(self, trial: Trial) -> LeaseStatus:
        """Extend the lease on a claimed trial by its ``lease_s`` (4)."""
        if self._call(self._take_up, trial):
            return LeaseStatus.HELD
        is_cancelled = self._call(self._trials.find_one, queries.cancelled(trial), {"_id": 1}) is not None
        return LeaseStatus.CANCELLED if is_cancelled else LeaseStatus.LOST

    def report(self, trial: Trial, reports: Sequence[Report]) -> None:
        """Append intermediate values to a claimed trial (5)."""
        update = queries.report(report_documents(reports), batch=secrets.token_hex(8))
        self._change_held(trial, queries.held(trial), update)

    def finish(self, trial: Trial, result: Result) -> None:
        """Write the result of a claimed trial, done or failed (5, 7)."""
        outcome = result_document(result)
        try:
            self._change_held(trial, queries.held_or_finished(trial), queries.finish(outcome))
        except TooLargeError as error:
            raise TooLargeError(_too_large(trial, outcome)) from error

    def release(self, trial: Trial, why: str) -> None:
        """Give a claimed trial back to pending, the attempt uncounted (5, 6)."""
        reason = encoded(why, "why")
        update = queries.release(trial, reason)
        self._change_held(trial, queries.held_or_released(trial, reason), update)

    def unclaim(self, trial: Trial) -> None:
        """Undo a claim whose trial was not begun (6); nothing happens if it is not held any more."""
        self._call(self._trials.update_one, queries.held(trial), queries.unclaim())

    # The registry of workers

    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        """Write a worker's sign of life, which expires after ``ttl_s`` seconds."""
        update = queries.record(worker_document(worker), ttl_s)
        self._call(self._workers.update_one, {"_id": worker.name}, update, upsert=True)

    def workers(self) -> list[Worker]:
        """Return the workers that were seen of late, by name."""
        documents = self._call(read, self._workers, queries.ALIVE, sort=[("_id", 1)])
        return self._damage.readable(documents, worker_from)

    def n_workers(self) -> int:
        """Return about how many workers the registry holds: what the server knows without looking."""
        return self._call(self._workers.estimated_document_count)

    def now(self) -> datetime:
        """Return the store's time, UTC."""
        return utc(self._call(self._database.command, "hello")["localTime"])

    def contact(self) -> Contact:
        """Return how the contact with MongoDB is; asks nothing."""
        return self._connection.contact()

    def close(self) -> None:
        """Release connections; the store is not usable afterwards."""
        self._changes.close()
        self._connection.close()

    # Private

    def _trial_document(self, exp_key: str, tid: int, *fields: str) -> Document:
        """Return the document of a trial, or some fields of it; raises ``NotFoundError``."""
        key = trial_id(exp_key, tid)
        document = self._call(self._trials.find_one, {"_id": key}, list(fields) or None)
        if document is None:
            raise NotFoundError(f"There is no trial {key}.")
        return document

    def _attempts_shown(self, exp_key: str, tid: int | None) -> list[int]:
        if tid is None:
            return [0]
        document = self._trial_document(exp_key, tid, "state", "owner", "attempt")
        trial = Fields(document, place_of("Trial", document))
        return attempts_shown(trial.one_of("state", State), trial.maybe_text("owner"), trial.count("attempt"))

    def _claimed(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Document | None:
        """Claim from the first of the experiments that has a trial waiting; return the trial's document.

        The one whose turn it is mostly has one, and gets the only call. Else the server is asked
        which of the others do: it looks that up in the index, at any number of trials and experiments.
        """
        take = queries.claim(token, holder_document(worker.holder))

        def take_from(pending: queries.Filter) -> Document | None:
            try:
                return self._trials.find_one_and_update(
                    pending, take, sort=queries.QUEUE_ORDER, return_document=_AFTER
                )
            except DuplicateKeyError:  # this very claim succeeded before
                return self._trials.find_one(queries.claimed_with(token))

        def claimed_from(exp_key: str) -> Document | None:
            pending = queries.pending(exp_key)
            return self._damage.change(pending, lambda: take_from(pending))

        first, *others = exp_keys
        if (document := claimed_from(first)) is not None:
            return document
        waiting = self._waiting(others) if others else set()
        for exp_key in filter(waiting.__contains__, others):
            if (document := claimed_from(exp_key)) is not None:
                return document
        # There is nothing to take, perhaps since this very claim took the last before.
        return self._call(self._trials.find_one, queries.claimed_with(token))

    def _waiting(self, exp_keys: Sequence[str]) -> set[str]:
        """Return those of the experiments in which a trial waits."""
        return set(self._call(self._trials.distinct, "exp_key", queries.waiting(exp_keys)))

    def _standing(self, document: Document) -> TrialSummary:
        best = next(self._damage.read(document["best"], best_from), None)
        recent: Document = next(iter(document["recent"]), {})
        since, until = recent.get("since"), recent.get("until")
        return TrialSummary(
            counts=counts_from(document["counts"]),
            best=best if best is not None and best.state is State.DONE else None,
            n_recent=recent.get("n", 0),
            recent_since=since and utc(since),
            recent_until=until and utc(until),
        )

    def _take_up(self, trial: Trial) -> bool:
        """Extend the lease if the trial is still held; return whether it was."""
        try:
            return self._trials.update_one(queries.held(trial), queries.renew()).matched_count == 1
        except DuplicateKeyError:
            return False  # put back meanwhile, and its token runs another trial

    def _change_held(self, trial: Trial, held: queries.Filter, update: queries.Pipeline) -> None:
        """Update the trial if the filter still holds."""
        if self._call(self._trials.update_one, held, update).matched_count == 0:
            raise LeaseLostError(trial.id)


def _aggregate(
    collection: Collection[Document], pipeline: queries.Pipeline, batch: int | None = None
) -> list[Document]:
    return list(collection.aggregate(pipeline, batchSize=batch))


def _too_large(trial: Trial, outcome: Document) -> str:
    """Return the sentence that names the largest part of a result that does not fit."""
    parts = {
        **{f"result.{key}": value for key, value in outcome.get("result", {}).items()},
        **{key: value for key, value in outcome.items() if key != "result"},
    }
    sizes = {name: len(bson.encode({"": value})) for name, value in parts.items()}
    largest = max(sizes, key=sizes.__getitem__)
    return (
        f"The result of trial {trial.id} is over the 16 MB that MongoDB can hold; "
        f"the largest part is {largest} with {sizes[largest] / 2**20:.1f} MB."
    )
