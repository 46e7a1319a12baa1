"""A search continues and loses nothing after one of its documents was edited by hand."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pytest
from bson import encode
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from hpsearch import hp
from hpsearch.cli.find import find_experiment
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.experiment import (
    Algorithm,
    Budget,
    Defaults,
    Elapsed,
    Experiment,
    ExperimentState,
    ObjectiveRef,
)
from hpsearch.core.trial import FailureKind, Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import HpsearchError, NotFoundError, UnreadableError
from hpsearch.report.progress_reading import read_progress
from hpsearch.space.tree import Space
from hpsearch.store.documents.layout_migration import SCHEMA
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.schema import EXPERIMENTS, FILES, TRIALS, WORKERS
from hpsearch.store.mongo.store import MongoStore
from tests.support.corrupt_documents import HOSTILE, Document, altered, places

WORKER = Worker(name="anna", host="machine", pid=4711)
SPACE = Space({"x": hp.uniform("x", 0, 1), "kind": hp.choice("kind", ["a", {"y": hp.normal("y", 0, 1)}])})
MAX_EVALS = 9

#: Trials of a new search, by number: one in each state, and one whose worker was lost.
CANCELLED, DONE, FAILED, LOST, RUNNING, PENDING = range(6)
FINAL = {"done", "failed", "cancelled"}

#: Index of the field to alter, modulo the number of fields, which depends on timing.
NTH = st.integers(0, 99)

#: Each example runs a whole search.
few = settings(deadline=None, max_examples=max(2, settings().max_examples // 10))


@dataclass(frozen=True)
class CorruptibleDatabase:
    """A store and its raw database; examples use separate searches."""

    store: MongoStore
    raw: Any

    def begin(self) -> Experiment:
        """Return a search with a trial in each state; the last worker has just died."""
        experiment = self.store.open_experiment(
            Experiment(
                exp_key=f"e{uuid.uuid4().hex[:8]}",
                space=SPACE.to_json(),
                space_fingerprint=SPACE.fingerprint,
                objective=ObjectiveRef(kind="import", ref="m:f"),
                algorithm=Algorithm(name="auto"),
                budget=Budget(max_evals=MAX_EVALS),
                defaults=Defaults(lease_s=0.1, max_attempts=3),
            )
        )
        key = experiment.exp_key
        self.store.insert([point(key, CANCELLED)])
        self.store.cancel(key, {State.PENDING})
        self.store.insert([point(key, tid) for tid in range(DONE, PENDING + 1)])
        for loss in (0.5, None):
            self.store.finish(self.claim(key), Result(loss=loss))
        self.store.attach(key, "model", b"bytes", tid=DONE)
        lost = self.claim(key)
        self.claim(key)
        assert lost.lease_until is not None
        while self.store.now() < lost.lease_until + timedelta(milliseconds=20):
            time.sleep(0.01)
        assert self.store.expire(key) >= 1
        return experiment

    def claim(self, exp_key: str) -> Trial:
        trial = self.store.claim(WORKER, uuid.uuid4().hex, [exp_key])
        assert trial is not None
        return trial

    def documents(self, exp_key: str) -> dict[str, Document]:
        return {d["_id"]: d for d in self.raw[TRIALS].find({"_id": {"$regex": f"^{exp_key}/"}})}

    def replace(self, collection: str, document: Document) -> None:
        """Write a document without validation, as a user with that right can."""
        try:
            self.raw[collection].replace_one(
                {"_id": document["_id"]}, document, bypass_document_validation=True
            )
        except (PyMongoError, OverflowError):
            assume(False)  # not even MongoDB takes it

    def finish(self, experiment: Experiment) -> None:
        """Run the search to its end like a coordinator and a worker."""
        coordinator = Coordinator(self.store, experiment)
        deadline = time.monotonic() + 120
        while not coordinator.is_over():
            assert time.monotonic() < deadline, "the search does not end"
            coordinator.tick()
            while (trial := self.store.claim(WORKER, uuid.uuid4().hex, [experiment.exp_key])) is not None:
                self.store.finish(trial, Result(loss=1.0 + trial.tid))
            time.sleep(0.01)
        coordinator.wind_down(0)


def point(exp_key: str, tid: int) -> Trial:
    values = SPACE.sample(np.random.default_rng(tid))
    return Trial(exp_key=exp_key, tid=tid, values=values, params=SPACE.params(values), lease_s=0.1)


def place_in(document: Document, nth: int, *left_out: str) -> tuple[Any, ...]:
    """Return the path of one field of a document, except those with some prefixes."""
    found = [place for place in places(document) if not ".".join(map(str, place)).startswith(left_out)]
    return sorted(found, key=str)[nth % len(found)]


def as_bytes(document: Document) -> bytes:
    """Return a stored document in a form in which NaN equals NaN."""
    return encode({name: document[name] for name in sorted(document)})


def assert_sentence(error: HpsearchError, name: str) -> None:
    """Check that an error is one line that names the document."""
    assert isinstance(error, UnreadableError | NotFoundError), repr(error)
    assert name in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 600


@pytest.fixture(scope="module")
def database(mongo_uri: str) -> Iterator[CorruptibleDatabase]:
    name = f"altered_{uuid.uuid4().hex[:8]}"
    store = MongoStore.connect(mongo_uri, database=name, patience=Patience(120))
    store.prepare()
    with MongoClient[Document](mongo_uri) as client:
        yield CorruptibleDatabase(store, client[name])
    store.close()


@pytest.mark.fuzz
@few
@given(tid=st.integers(CANCELLED, PENDING), nth=NTH, value=HOSTILE)
@example(tid=DONE, nth=0, value=1e300)
@example(tid=LOST, nth=0, value=2**63 - 1)
def test_a_search_with_a_corrupt_trial_ends_and_loses_nothing(
    database: CorruptibleDatabase, tid: int, nth: int, value: Any
) -> None:
    """Or an error names the trial, if its number or its experiment is unknown."""
    experiment = database.begin()
    key = experiment.exp_key
    whole = database.documents(key)[f"{key}/{tid:06d}"]
    place = place_in(whole, nth)
    database.replace(TRIALS, altered(whole, place, value))
    before = database.documents(key)
    look(database, key)

    try:
        database.finish(experiment)
    except HpsearchError as error:
        assert_sentence(error, whole["_id"])
        assert place[0] in {"exp_key", "tid"}
        return

    after = database.documents(key)
    look(database, key)
    assert database.store.experiment(key).state is ExperimentState.DONE
    for name, document in before.items():
        if document.get("state") not in ("running", "pending"):
            assert as_bytes(after[name]) == as_bytes(document), "what was finished has changed"
    others = [d for name, d in after.items() if name != whole["_id"]]
    assert {d["state"] for d in others} <= FINAL
    n_finished = sum(d["state"] in {"done", "failed"} for d in others)
    assert MAX_EVALS - 1 <= n_finished <= MAX_EVALS


def look(database: CorruptibleDatabase, exp_key: str) -> None:
    """Read what the commands read: nothing raises, and unaltered trials are listed."""
    store = database.store
    experiment = find_experiment(store, exp_key)
    read_progress(store, [experiment])
    shown = {trial.id for trial in store.trials(exp_key)}
    assert len(shown) >= PENDING
    list(store.trials(exp_key, sort="loss", limit=5))
    list(store.trials(exp_key, sort="newest", limit=5))
    for tid in range(PENDING + 1):
        try:
            store.trial(exp_key, tid)
            store.attachments(exp_key, tid=tid)
        except UnreadableError as error:
            assert_sentence(error, exp_key)


@pytest.mark.fuzz
@few
@given(nth=NTH, value=HOSTILE)
def test_a_corrupt_experiment_is_refused_by_name_or_read_and_others_continue(
    database: CorruptibleDatabase, nth: int, value: Any
) -> None:
    experiment, other = database.begin(), database.begin()
    key = experiment.exp_key
    database.store.lead(key, "another", 0.01)
    whole = database.raw[EXPERIMENTS].find_one({"_id": key})
    document = altered(whole, place_in(whole, nth, "space"), value)
    database.replace(EXPERIMENTS, document)
    try:
        present = database.store.experiment(key)
    except HpsearchError as error:
        assert_sentence(error, key)
        for take_part in (
            lambda: database.store.open_experiment(experiment),
            lambda: Coordinator(database.store, experiment),
        ):
            with pytest.raises(UnreadableError):
                take_part()
        assert as_bytes(database.raw[EXPERIMENTS].find_one({"_id": key})) == as_bytes(document)
    else:
        assert present.exp_key == key
    assert other.exp_key in {e.exp_key for e in database.store.experiments()}
    database.raw[EXPERIMENTS].delete_one({"_id": key})
    database.finish(other)


@pytest.mark.fuzz
@few
@given(nth=NTH, value=HOSTILE)
def test_leading_a_corrupt_experiment_names_its_field_and_resigning_always_works(
    database: CorruptibleDatabase, nth: int, value: Any
) -> None:
    """The last call of a coordinator must not hide why it ends."""
    key = database.begin().exp_key
    database.store.lead(key, "me", 60)
    whole = database.raw[EXPERIMENTS].find_one({"_id": key})
    database.replace(EXPERIMENTS, altered(whole, place_in(whole, nth, "space"), value))
    measured = Elapsed(seconds=1.0, since=whole["started_at"].replace(tzinfo=UTC))
    for owner in ("other", "me"):
        try:
            database.store.lead(key, owner, 60, measured)
        except HpsearchError as error:
            assert_sentence(error, key)
    database.store.resign(key, "me", measured)
    database.raw[EXPERIMENTS].delete_one({"_id": key})


@pytest.mark.fuzz
@few
@given(nth=NTH, value=HOSTILE)
def test_a_corrupt_worker_is_omitted_and_the_others_are_listed(
    database: CorruptibleDatabase, nth: int, value: Any
) -> None:
    for name in ("anna", "ben"):
        database.store.record_worker(Worker(name=name, host="machine", pid=1, exp_keys=("e",)), 60)
    whole = database.raw[WORKERS].find_one({"_id": "anna"})
    database.replace(WORKERS, altered(whole, place_in(whole, nth), value))
    assert "ben" in {worker.name for worker in database.store.workers()}


@pytest.mark.fuzz
@few
@given(nth=NTH, value=HOSTILE)
def test_a_corrupt_attachment_is_refused_by_name_or_read_and_can_be_replaced(
    database: CorruptibleDatabase, nth: int, value: Any
) -> None:
    key = uuid.uuid4().hex
    database.store.attach(key, "model", b"bytes")
    database.store.attach(key, "other", b"others")
    whole = database.raw[FILES].find_one({"metadata.exp_key": key, "metadata.name": "model"})
    database.replace(FILES, altered(whole, place_in(whole, nth, "metadata.version"), value))
    for read in (database.store.attachment, database.store.detach):
        try:
            read(key, "model")
        except HpsearchError as error:
            assert_sentence(error, key)
    assert "other" in database.store.attachments(key)
    database.store.attach(key, "model", b"new")
    assert database.store.attachment(key, "model") == b"new"


@pytest.mark.parametrize("length", [1, 6])
def test_an_attachment_of_another_length_than_its_chunks_is_refused_by_name(
    database: CorruptibleDatabase, length: int
) -> None:
    key = uuid.uuid4().hex
    database.store.attach(key, "model", b"bytes")
    database.raw[FILES].update_one({"metadata.exp_key": key}, {"$set": {"length": length}})
    with pytest.raises(UnreadableError, match=f"{key}/model is corrupt.*length"):
        database.store.attachment(key, "model")


def test_every_reader_refuses_a_newer_layout_and_leaves_it_unchanged(database: CorruptibleDatabase) -> None:
    experiment = database.begin()
    key = experiment.exp_key
    trial = f"{key}/{PENDING:06d}"
    database.raw[TRIALS].update_one({"_id": trial}, {"$set": {"schema": SCHEMA + 1}})
    with pytest.raises(UnreadableError, match=r"newer hpsearch.*upgrade"):
        database.store.trial(key, PENDING)
    database.finish(experiment)
    assert database.raw[TRIALS].find_one({"_id": trial})["state"] == "pending"
    assert database.store.cancel(key, {State.PENDING}) == 0

    database.raw[EXPERIMENTS].update_one({"_id": key}, {"$set": {"schema": SCHEMA + 1}})
    newer = database.raw[EXPERIMENTS].find_one({"_id": key})
    for take_part in (
        lambda: database.store.experiment(key),
        lambda: database.store.open_experiment(experiment),
        lambda: database.store.lead(key, "token", 10.0),
        lambda: database.store.set_experiment_state(key, ExperimentState.STOPPED),
        lambda: Coordinator(database.store, experiment),
    ):
        with pytest.raises(UnreadableError, match=r"newer hpsearch.*upgrade"):
            take_part()
    assert database.raw[EXPERIMENTS].find_one({"_id": key}) == newer
    assert key not in {e.exp_key for e in database.store.experiments()}


def test_an_experiment_of_an_older_layout_works_and_joining_migrates_it(
    database: CorruptibleDatabase,
) -> None:
    experiment = database.begin()
    key = experiment.exp_key
    database.raw[EXPERIMENTS].update_one({"_id": key}, {"$set": {"schema": 1}})
    database.raw[TRIALS].update_many({"exp_key": key}, {"$unset": {"schema": 1}})
    older = database.documents(key)

    assert database.store.experiment(key).exp_key == key
    assert database.raw[EXPERIMENTS].find_one({"_id": key})["schema"] == 1
    database.finish(database.store.open_experiment(experiment))

    assert database.raw[EXPERIMENTS].find_one({"_id": key})["schema"] == SCHEMA
    assert "schema" not in database.documents(key)[f"{key}/{DONE:06d}"]
    assert database.documents(key)[f"{key}/{DONE:06d}"] == older[f"{key}/{DONE:06d}"]


def test_an_experiment_without_a_layout_is_not_mistaken_for_a_new_one(database: CorruptibleDatabase) -> None:
    """Joining it overwrites no stored field."""
    experiment = database.begin()
    database.raw[EXPERIMENTS].update_one(
        {"_id": experiment.exp_key}, {"$unset": {"schema": 1}}, bypass_document_validation=True
    )
    assert database.store.open_experiment(experiment).created_at == experiment.created_at


def test_a_duplicate_trial_number_ends_the_coordinator_with_an_error(
    database: CorruptibleDatabase,
) -> None:
    """The coordinator neither overwrites the trial nor tries forever."""
    experiment = database.begin()
    last = f"{experiment.exp_key}/{PENDING:06d}"
    database.raw[TRIALS].update_one({"_id": last}, {"$set": {"tid": PENDING + 1}})
    before = database.raw[TRIALS].find_one({"_id": last})
    with pytest.raises(UnreadableError, match=f"{last}.* tid should be the same as in the _id"):
        database.store.insert([point(experiment.exp_key, PENDING + 1)])
    assert database.raw[TRIALS].find_one({"_id": last}) == before


def test_an_unreadable_trial_is_listed_as_failed_with_the_reason(database: CorruptibleDatabase) -> None:
    key = database.begin().exp_key
    database.raw[TRIALS].update_one(
        {"_id": f"{key}/{DONE:06d}"}, {"$set": {"loss": "good"}}, bypass_document_validation=True
    )
    shown = {trial.tid: trial for trial in database.store.trials(key)}
    assert shown[DONE].state is State.FAILED
    assert shown[DONE].error is not None
    assert shown[DONE].error.kind is FailureKind.UNREADABLE
    assert "field loss should be a number" in shown[DONE].error.message
    assert list(database.store.trials(key, sort="loss")) == []
