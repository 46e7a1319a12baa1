"""The store on MongoDB: one document per trial, one conditional update per transition.

``hpsearch.store.documents`` converts the documents, ``queries.py`` and ``experiment_queries.py`` hold the
filters and updates, ``schema.py`` the validators and indexes. Every call is idempotent, because the answer
to any of them may be lost; ``Connection.call`` then repeats it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Self

import bson
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, InvalidName
from pymongo.read_concern import ReadConcern

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState
from hpsearch.core.stopping.curve import RungValue
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import Report, Result, State, Trial, trial_id
from hpsearch.core.trial_filter import TrialFilter
from hpsearch.core.worker import Worker
from hpsearch.errors import (
    ConfigurationError,
    ExperimentActiveError,
    LeaseLostError,
    NotFoundError,
    TooLargeError,
)
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.stats import Contact
from hpsearch.store.checks import (
    Content,
    check_cancellable,
    check_insertable,
    checked_content,
    stored_name,
    visible_attempts,
)
from hpsearch.store.documents.encoding import encoded, utc
from hpsearch.store.documents.fields import Fields, document_label
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.documents.trial import (
    BEST_FIELDS,
    CURVE_FIELDS,
    POINT_FIELDS,
    best_from,
    counts_from,
    curve_from,
    point_from,
    report_documents,
    result_document,
    trial_from,
    verdict_document,
)
from hpsearch.store.documents.worker import worker_document, worker_from
from hpsearch.store.mongo import experiment_queries, queries
from hpsearch.store.mongo.attachments import Attachments
from hpsearch.store.mongo.change_stream import Changes
from hpsearch.store.mongo.checkpoints import Checkpoints
from hpsearch.store.mongo.claims import Claims
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.corrupt_documents import CorruptDocuments
from hpsearch.store.mongo.database_proxy import current_database
from hpsearch.store.mongo.experiments import Experiments
from hpsearch.store.mongo.gridfs import Place, at, of_experiment
from hpsearch.store.mongo.insertion import Insertion
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import prepare_database
from hpsearch.store.mongo.reading import pages, read
from hpsearch.store.mongo.schema import EXPERIMENTS, TRIALS, WORKERS
from hpsearch.store.mongo.trial_candidates import candidates
from hpsearch.store.protocol import RECENT_TRIALS, Leadership, LeaseStatus, TrialStore, TrialSummary

log = logging.getLogger(__name__)

#: Trials looked up by number in one call, so that it stays well within its time limit.
_NUMBERS_A_CALL = 5_000

#: Summaries in one batch of the server's answer, for the same reason.
_SUMMARIES_A_BATCH = 100


class MongoStore(TrialStore):
    """A ``TrialStore`` on MongoDB 5.0 or newer; safe for use by several threads.

    A standalone server is enough, with weaker guarantees: there are no change streams, so
    ``wait_for_change`` polls, and acknowledged writes are on a single disk.

    Parameters
    ----------
    connection : Connection
        To the server; closed with the store.
    database : str
        Name of the database.

    Raises
    ------
    ConfigurationError
        If the name is not valid.
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
        # A fail-over cannot roll back what this collection reads.
        self._settled = self._trials.with_options(read_concern=ReadConcern("majority"))
        self._pages = partial(pages, connection, self._trials)
        self._insertion = Insertion(connection, self._trials, self._settled, self.now)
        self._corrupt = CorruptDocuments(connection, self._trials)
        self._claims = Claims(connection, self._trials, self._corrupt)
        self._experiments = Experiments(connection, self._database[EXPERIMENTS], self._corrupt)
        self._attachments = Attachments(connection, self._database)
        self._checkpoints = Checkpoints(connection, self._trials, self._attachments)
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
            ``mongodb://`` or ``mongodb+srv://`` with any options of the driver, which override ours.
        database : str, optional
            Name of the database; by default the one in the URI's path, else "hpsearch".
        patience : Patience
            How long this call and all later ones are repeated while MongoDB is away or refuses the user.
        on_contact : callable
            Called after each answer of MongoDB, in the thread that waited for it.
        read_uri : callable, optional
            Reads the URI again after a refusal, where a file holds it.

        Raises
        ------
        ConfigurationError
            If the URI or the name is not valid, or the server is older than MongoDB 5.0.
        StorePermissionError
            If the server refuses the user.
        StoreUnavailableError
            If the server does not answer within the patience.
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
        return self._database.name

    def prepare(self) -> None:
        """Create missing collections, validators and indexes, if the user has the right to."""
        prepare_database(self._connection, self._database)

    # Experiments

    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        self.prepare()
        return self._experiments.open(experiment, accepts_change=accepts_change)

    def experiment(self, exp_key: str) -> Experiment:
        return self._experiments.find(exp_key)

    def is_running(self, experiment: Experiment) -> bool:
        return self._experiments.is_running(experiment)

    def experiments(
        self, states: Iterable[ExperimentState] | None = None, *, omit_space: bool = False
    ) -> list[Experiment]:
        return self._experiments.list_all(states, omit_space=omit_space)

    def experiments_with(self, labels: Iterable[str], *, limit: int) -> list[Experiment]:
        return self._experiments.list_with(labels, limit)

    def set_experiment_state(
        self, exp_key: str, state: ExperimentState, why: str | None = None, *, leader: str | None = None
    ) -> Experiment:
        return self._experiments.set_state(exp_key, state, why, leader)

    def set_priority(self, exp_key: str, priority: int) -> Experiment:
        return self._experiments.set_priority(exp_key, priority)

    # The coordinator's side

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        return self._experiments.lead(exp_key, owner, lease_s, elapsed)

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        self._experiments.resign(exp_key, owner, elapsed)

    def insert(self, trials: Sequence[Trial]) -> None:
        check_insertable(trials)
        self._insertion.insert(trials)

    def expire(self, exp_key: str) -> int:
        lost = queries.expired(exp_key)
        return self._corrupt.change(
            lost, lambda: self._trials.update_many(lost, queries.expire()).modified_count
        )

    def shorten_leases(self, exp_key: str) -> int:
        longer = queries.too_long(exp_key)
        return self._call(self._trials.update_many, longer, queries.shorten()).modified_count

    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        found: list[Trial] = []
        numbers = sorted(tids)
        for start in range(0, len(numbers), _NUMBERS_A_CALL):
            settled = queries.settled(exp_key, numbers[start : start + _NUMBERS_A_CALL])
            documents = self._call(read, self._settled, settled)
            found += sorted(self._corrupt.trials(documents), key=lambda trial: trial.tid)
        return found

    def cancel(self, exp_key: str, states: Iterable[State], *, tids: Iterable[int] | None = None) -> int:
        wanted = queries.known_layout(exp_key, check_cancellable(states))
        if tids is not None:
            wanted["tid"] = {"$in": sorted(tids)}
        return self._corrupt.change(
            wanted, lambda: self._trials.update_many(wanted, queries.cancel()).modified_count
        )

    def publish_policy(self, exp_key: str, policy: Mapping[str, Any], leader: str) -> bool:
        return self._experiments.publish_policy(exp_key, policy, leader)

    def revise(self, exp_key: str) -> None:
        self._experiments.revise(exp_key)

    def mark_invalid(self, exp_key: str, tids: Iterable[int], why: str | None) -> int:
        wanted = queries.finished_and_marked(exp_key, sorted(tids), is_marked=why is None)
        update = queries.unmark() if why is None else queries.mark_invalid(encoded(why, "why"))
        n_changed = self._call(self._trials.update_many, wanted, update).modified_count
        # Afterwards, and in any case: an earlier call may have ended between the two.
        self.revise(exp_key)
        return n_changed

    def annotate(
        self,
        exp_key: str,
        tid: int | None = None,
        *,
        note: str | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> None:
        tags, others = [encoded(tag, "tag") for tag in add], [encoded(tag, "tag") for tag in remove]
        update = queries.annotate(encoded(note, "note"), tags, others)
        if tid is None:
            self._experiments.annotate(exp_key, update)
        elif (
            not update
            or not self._call(self._trials.update_one, {"_id": trial_id(exp_key, tid)}, update).matched_count
        ):
            self.trial(exp_key, tid)

    @property
    def sees_changes(self) -> bool:
        return self._changes.has_stream

    def wait_for_change(self, exp_key: str | None, timeout_s: float) -> None:
        self._changes.wait(exp_key, timeout_s)

    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        if unless_active:
            self.shorten_leases(exp_key)
            self._experiments.shorten_lead(exp_key)
            if self._call(self._trials.find_one, queries.leased(exp_key), {"_id": 1}):
                raise ExperimentActiveError(exp_key)
        all_trials = queries.of(exp_key)
        n_trials = self._call(self._trials.count_documents, all_trials)
        # The experiment first, so that no process suggests or claims while the rest is deleted.
        was_there = self._experiments.delete(exp_key, unless_led=unless_active)
        n_files = self._attachments.drop(of_experiment(exp_key))
        # The trials last: a coordinator may have been about to insert some.
        self._call(self._trials.delete_many, all_trials)
        if not (was_there or n_trials or n_files):
            raise NotFoundError(f"There is no experiment {exp_key!r}.")
        return n_trials

    # Attachments

    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        self.attach_all(exp_key, {name: data}, tid=tid, attempt=attempt)

    def attach_all(
        self, exp_key: str, contents: Mapping[str, Content], *, tid: int | None = None, attempt: int = 0
    ) -> None:
        checked = {stored_name(name): checked_content(name, data) for name, data in contents.items()}
        self._attachments.write(exp_key, tid, checked, attempt)

    def attachment(
        self, exp_key: str, name: str, *, tid: int | None = None, max_bytes: int | None = None
    ) -> bytes:
        place = Place(exp_key=exp_key, tid=tid, name=stored_name(name))
        return self._attachments.read(place, self._visible_attempts(exp_key, tid), max_bytes)

    def attachments(self, exp_key: str, *, tid: int | None = None) -> list[str]:
        return self._attachments.names(exp_key, tid, self._visible_attempts(exp_key, tid))

    def n_attachments(self, exp_key: str) -> int:
        return self._attachments.count(of_experiment(exp_key))

    def detach(self, exp_key: str, name: str, *, tid: int | None = None) -> None:
        self._attachments.drop(at(Place(exp_key=exp_key, tid=tid, name=stored_name(name))))

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
        wanted = _sortable(exp_key, states, sort)
        if where is None:
            return _sorted_by(sort, self._corrupt.trials(self._pages(wanted, sort, limit=limit)))
        documents = self._pages({"$and": [wanted, candidates(where)]}, sort)
        return islice(where.select(_sorted_by(sort, self._corrupt.trials(documents))), limit)

    def points(self, exp_key: str, *, sort: str = "tid", limit: int | None = None) -> Iterator[Trial]:
        documents = self._pages(_sortable(exp_key, None, sort), sort, limit=limit, fields=POINT_FIELDS)
        return _sorted_by(sort, self._corrupt.trials(documents, point_from))

    def curves(
        self, exp_key: str, *, tids: Iterable[int] | None = None, all_reports: bool = False
    ) -> Iterator[Trial]:
        wanted = queries.of(exp_key) | ({} if tids is None else {"tid": {"$in": sorted(tids)}})
        fields: dict[str, Any] = dict.fromkeys(CURVE_FIELDS, 1)
        if not all_reports:
            fields["reports"] = {"$slice": -1}
        documents = self._pages(wanted, "tid", fields=fields)
        return self._corrupt.trials(documents, curve_from)

    def trial(self, exp_key: str, tid: int) -> Trial:
        return trial_from(self._trial_document(exp_key, tid))

    def counts(self, exp_key: str, states: Iterable[State] | None = None) -> Mapping[State, int]:
        return counts_from(self._call(_aggregate, self._trials, queries.counts(exp_key, states, TRIALS)))

    def n_invalid(self, exp_key: str) -> int:
        return self._call(self._trials.count_documents, queries.invalid(exp_key))

    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        keys = sorted(set(exp_keys))
        found = {key: TrialSummary(counts=counts_from(())) for key in keys}
        pipeline = queries.summaries(keys, TRIALS, BEST_FIELDS, RECENT_TRIALS)
        for document in self._call(_aggregate, self._database[EXPERIMENTS], pipeline, _SUMMARIES_A_BATCH):
            found[document["_id"]] = self._summary_from(document)
        return found

    # The worker's side

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        return self._claims.claim(worker, token, exp_keys)

    def renew(self, trial: Trial) -> LeaseStatus:
        if self._call(self._renew, trial):
            return LeaseStatus.HELD
        is_cancelled = self._call(self._trials.find_one, queries.cancelled(trial), {"_id": 1}) is not None
        return LeaseStatus.CANCELLED if is_cancelled else LeaseStatus.LOST

    def report(
        self,
        trial: Trial,
        reports: Sequence[Report],
        *,
        rungs: Sequence[RungValue] = (),
        verdict: Verdict | None = None,
    ) -> None:
        update = queries.report(
            report_documents(reports),
            batch=secrets.token_hex(8),
            rungs=[asdict(rung) for rung in rungs],
            verdict=None if verdict is None else verdict_document(verdict),
        )
        self._update_held(trial, queries.held(trial), update)

    def finish(self, trial: Trial, result: Result) -> None:
        outcome = result_document(result)
        try:
            self._update_held(trial, queries.held_or_finished(trial), queries.finish(outcome))
        except TooLargeError as error:
            raise TooLargeError(_too_large(trial, outcome)) from error

    def save_checkpoint(
        self, trial: Trial, step: float, *, data: Content | None = None, path: str | None = None
    ) -> None:
        self._checkpoints.save(trial, step, data, path)

    def checkpoint_data(self, trial: Trial) -> bytes:
        return self._checkpoints.load(trial)

    def sweep_checkpoints(self, exp_key: str, tids: Iterable[int] | None = None) -> None:
        self._checkpoints.sweep(exp_key, tids)

    def policy(self, exp_key: str, known_version: int | None = None) -> Mapping[str, Any] | None:
        return self._experiments.policy(exp_key, known_version)

    def release(self, trial: Trial, why: str) -> None:
        reason = encoded(why, "why")
        self._update_held(trial, queries.held_or_released(trial, reason), queries.release(trial, reason))

    def unclaim(self, trial: Trial) -> None:
        self._call(self._trials.update_one, queries.held(trial), queries.unclaim())

    # The registry of workers

    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        update = experiment_queries.record_worker(worker_document(worker), ttl_s)
        self._call(self._workers.update_one, {"_id": worker.name}, update, upsert=True)

    def workers(self) -> list[Worker]:
        documents = self._call(read, self._workers, experiment_queries.ALIVE_WORKERS, sort=[("_id", 1)])
        return self._corrupt.readable(documents, worker_from)

    def n_workers(self) -> int:
        return self._call(self._workers.estimated_document_count)

    def now(self) -> datetime:
        return utc(self._call(self._database.command, "hello")["localTime"])

    def contact(self) -> Contact:
        """Return the state of the contact with MongoDB, without a call to it."""
        return self._connection.contact()

    def close(self) -> None:
        self._changes.close()
        self._connection.close()

    # Private

    def _trial_document(self, exp_key: str, tid: int, *fields: str) -> Document:
        """Return the document of a trial, or some of its fields; raises ``NotFoundError``."""
        key = trial_id(exp_key, tid)
        document = self._call(self._trials.find_one, {"_id": key}, list(fields) or None)
        if document is None:
            raise NotFoundError(f"There is no trial {key}.")
        return document

    def _visible_attempts(self, exp_key: str, tid: int | None) -> list[int]:
        if tid is None:
            return [0]
        document = self._trial_document(exp_key, tid, "state", "owner", "attempt")
        trial = Fields(document, document_label("Trial", document))
        return visible_attempts(
            trial.one_of("state", State), trial.maybe_text("owner"), trial.count("attempt")
        )

    def _summary_from(self, document: Document) -> TrialSummary:
        best = next(self._corrupt.trials(document["best"], best_from), None)
        recent: Document = next(iter(document["recent"]), {})
        since, until = recent.get("since"), recent.get("until")
        return TrialSummary(
            counts=counts_from([*document["counts"], *document["invalid"]]),
            n_invalid=-sum(group["n"] for group in document["invalid"]),
            best=best if best is not None and best.state is State.DONE else None,
            n_recent=recent.get("n", 0),
            recent_since=since and utc(since),
            recent_until=until and utc(until),
        )

    def _renew(self, trial: Trial) -> bool:
        try:
            return self._trials.update_one(queries.held(trial), queries.renew()).matched_count == 1
        except DuplicateKeyError:
            return False  # the lease expired, and the token has claimed another trial since

    def _update_held(self, trial: Trial, held: queries.Filter, update: queries.Pipeline) -> None:
        """Update the trial if the filter still matches it; raises ``LeaseLostError`` otherwise."""
        if self._call(self._trials.update_one, held, update).matched_count == 0:
            raise LeaseLostError(trial.id)


def _sortable(exp_key: str, states: Iterable[State] | None, sort: str) -> queries.Filter:
    """Match the trials of an experiment that an order has; raises ``ValueError`` for an unknown order."""
    if sort not in queries.ORDERS:
        raise ValueError(f"trials cannot be sorted by {sort!r}; use one of {', '.join(queries.ORDERS)}")
    wanted = queries.of(exp_key, states)
    return {"$and": [wanted, queries.with_loss(exp_key)]} if sort == "loss" else wanted


def _sorted_by(sort: str, trials: Iterable[Trial]) -> Iterator[Trial]:
    """Yield trials; in the order of losses without those that turned out to be corrupt."""
    return (trial for trial in trials if sort != "loss" or trial.state is State.DONE)


def _aggregate(
    collection: Collection[Document], pipeline: queries.Pipeline, batch_size: int | None = None
) -> list[Document]:
    return list(collection.aggregate(pipeline, batchSize=batch_size))


def _too_large(trial: Trial, outcome: Document) -> str:
    """Return the error message that names the largest part of a result."""
    parts = {
        **{f"result.{key}": value for key, value in outcome.get("result", {}).items()},
        **{key: value for key, value in outcome.items() if key != "result"},
    }
    sizes = {name: len(bson.encode({"": value})) for name, value in parts.items()}
    largest = max(sizes, key=sizes.__getitem__)
    return (
        f"The result of trial {trial.id} is larger than the 16 MB that MongoDB can hold; "
        f"the largest part is {largest} with {sizes[largest] / 2**20:.1f} MB."
    )
