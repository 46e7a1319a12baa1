"""Properties of MongoDB: indexes and validators, addresses, rights, versions, large documents."""

from __future__ import annotations

import contextlib
import logging
import math
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import WriteError

from hpsearch.core.trial import Result, State
from hpsearch.errors import (
    ConfigurationError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    TooLargeError,
)
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import check_version
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.schema import INDEXES, TRIALS, VALIDATORS
from hpsearch.store.mongo.store import MongoStore
from hpsearch.testing import StoreDriver
from hpsearch.testing.contract.driver import WORKER
from tests.support.servers import Server
from tests.support.store_driver import mongo_driver

PATIENCE = Patience(120)
#: With this, a test of a refusal that is not made at once does not end.
ENDLESS = Patience(math.inf)


@pytest.fixture
def store(mongo_uri: str, database: str) -> Iterator[MongoStore]:
    """A prepared store on a separate database."""
    opened = MongoStore.connect(mongo_uri, database=database, patience=PATIENCE)
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def store_driver(store: MongoStore, raw: Any) -> StoreDriver:
    return mongo_driver(store, "e", raw)


@pytest.fixture
def raw(mongo_uri: str, database: str) -> Iterator[Any]:
    """The same database, as the MongoDB driver's."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[database]


# Indexes


@pytest.fixture
def many(store_driver: StoreDriver, raw: Any) -> Any:
    """Five thousand done trials in front of ten pending ones."""
    store_driver.insert(1)
    store_driver.store.finish(store_driver.claim(), Result(loss=0.0))
    done = raw[TRIALS].find_one()
    raw[TRIALS].insert_many(
        [
            {**done, "_id": f"e/{tid:06d}", "tid": tid, "loss": float(tid), "owner": str(tid)}
            for tid in range(1, 5000)
        ]
    )
    store_driver.store.insert([store_driver.trial(5000 + tid) for tid in range(10)])
    return raw[TRIALS]


def examined(trials: Any, command: dict[str, Any]) -> tuple[int, int]:
    """Return how many index keys and documents a command examines."""
    explained = trials.database.command("explain", command, verbosity="executionStats")
    stats = explained["executionStats"]
    return stats["totalKeysExamined"], stats["totalDocsExamined"]


def test_a_claim_examines_one_document_among_thousands(many: Any) -> None:
    command = {
        "findAndModify": TRIALS,
        "query": queries.pending("e"),
        "sort": dict(queries.QUEUE_ORDER),
        "update": queries.claim("token", {"name": "w", "host": "h", "pid": 1}),
    }
    n_keys, n_documents = examined(many, command)
    assert (n_documents, n_keys < 5) == (1, True)


def test_a_claim_on_an_empty_queue_examines_nothing(many: Any) -> None:
    many.update_many({"state": "pending"}, {"$set": {"state": "cancelled"}})
    command = {"findAndModify": TRIALS, "query": queries.pending("e"), "sort": dict(queries.QUEUE_ORDER)}
    assert examined(many, {**command, "update": queries.renew()})[1] == 0
    assert examined(many, {"find": TRIALS, "filter": queries.claimed_with("t")}) == (0, 0)


def test_finding_experiments_with_pending_trials_examines_few_keys_and_no_document(many: Any) -> None:
    many.update_many({"tid": {"$lt": 4000}}, {"$set": {"state": "pending"}, "$unset": {"loss": 1}})
    n_waiting = many.count_documents({"exp_key": "e", "state": "pending"})
    keys = ["e", *(f"empty {i}" for i in range(50))]
    command = {"distinct": TRIALS, "key": "exp_key", "query": queries.pending_in_any(keys)}
    n_keys, n_documents = examined(many, command)
    assert n_documents == 0
    assert n_keys <= 3 * len(keys) < n_waiting


def test_the_best_trial_is_the_first_of_its_index(many: Any) -> None:
    best = {
        "find": TRIALS,
        "filter": queries.with_loss("e"),
        "sort": dict(queries.ORDERS["loss"]),
        "limit": 1,
    }
    assert examined(many, best) == (1, 1)
    newest = {"find": TRIALS, "filter": queries.of("e"), "sort": dict(queries.ORDERS["newest"]), "limit": 1}
    assert examined(many, newest) == (1, 1)


def test_finding_expired_leases_examines_only_running_trials(many: Any, store_driver: StoreDriver) -> None:
    store_driver.claim()
    for lapsed in (queries.expired("e"), queries.too_long("e")):
        assert examined(many, {"find": TRIALS, "filter": lapsed})[1] == 1


def test_the_cost_of_polling_is_proportional_to_the_outstanding_trials(many: Any) -> None:
    wanted = {**queries.of("e", {State.DONE, State.FAILED}), "tid": {"$in": list(range(4990, 5010))}}
    n_keys, n_documents = examined(many, {"find": TRIALS, "filter": wanted})
    assert n_documents <= 20
    assert n_keys < 100


# Preparation


def test_preparing_creates_every_index_and_validator_and_can_be_repeated(store: MongoStore, raw: Any) -> None:
    store.prepare()

    for name, indexes in INDEXES.items():
        assert {index.name for index in indexes} | {"_id_"} == set(raw[name].index_information())
        assert raw.command("listCollections", filter={"name": name})["cursor"]["firstBatch"][0]["options"][
            "validator"
        ]
    assert raw.workers.index_information()["expire"]["expireAfterSeconds"] == 0


def test_concurrent_preparations_succeed(mongo_uri: str, new_database: str) -> None:
    stores = [MongoStore.connect(mongo_uri, database=new_database, patience=PATIENCE) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(MongoStore.prepare, stores))
    for opened in stores:
        opened.close()


def test_an_older_validator_is_replaced(store: MongoStore, raw: Any) -> None:
    raw.command("collMod", TRIALS, validator={"tid": {"$exists": True}})

    store.prepare()

    listed = raw.command("listCollections", filter={"name": TRIALS})
    assert listed["cursor"]["firstBatch"][0]["options"]["validator"] == VALIDATORS[TRIALS]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "finished"},
        {"state": "done"},
        {"state": "done", "loss": float("nan")},
        {"state": "done", "loss": "0.5"},
        {"loss": 0.5},
        {"state": "running", "owner": "token"},
        {"lease_until": None},
        {"tid": "7"},
        {"max_attempts": 0},
    ],
)
def test_the_server_refuses_an_inconsistent_trial(
    store_driver: StoreDriver, raw: Any, change: dict[str, Any]
) -> None:
    store_driver.insert()

    with pytest.raises(WriteError, match="failed validation"):
        raw[TRIALS].update_one({}, {"$set": change})


def test_a_refused_document_is_explained(store_driver: StoreDriver) -> None:
    with pytest.raises(StoreError, match=r"violates hpsearch's schema: .*max_attempts"):
        store_driver.insert(max_attempts=0)


# Documents


def test_field_names_and_types_are_those_of_the_documentation(store_driver: StoreDriver, raw: Any) -> None:
    store_driver.insert(params={"x": 0.0}, origin="tpe")
    trial = store_driver.claim()
    store_driver.store.finish(trial, Result(loss=1, result={"loss": 1}, duration_s=3))

    document = raw[TRIALS].find_one({"_id": "e/000000"})

    assert {name: type(value).__name__ for name, value in document.items()} == {
        "_id": "str",
        "schema": "int",
        "exp_key": "str",
        "tid": "int",
        "state": "str",
        "priority": "int",
        "params": "dict",
        "values": "dict",
        "origin": "str",
        "attempt": "int",
        "max_attempts": "int",
        "lease_s": "float",
        "owner": "str",
        "worker": "dict",
        "created_at": "datetime",
        "claimed_at": "datetime",
        "heartbeat_at": "datetime",
        "finished_at": "datetime",
        "loss": "float",
        "result": "dict",
        "duration_s": "float",
    }


def test_without_a_stored_elapsed_time_the_time_since_the_start_counts(
    store_driver: StoreDriver, raw: Any
) -> None:
    """An older version stored neither the length of the lease nor the elapsed time."""
    run = store_driver.store.open_experiment(store_driver.experiment()).started_at
    store_driver.store.lead("e", "old", 60)
    ago = {"$subtract": ["$started_at", 90_000]}
    older = [{"$set": {"started_at": ago}}, {"$unset": ["elapsed", "coordinator.lease_s"]}]
    raw.experiments.update_one({}, older)
    stored = store_driver.store.experiment("e")
    assert (stored.elapsed, stored.lead_lease_s, stored.is_led(store_driver.store.now())) == (
        None,
        None,
        True,
    )
    assert 90 <= stored.elapsed_s(store_driver.store.now()) < 150

    raw.experiments.update_one({}, [{"$set": {"coordinator.lease_until": {"$add": ["$$NOW", 3_600_000]}}}])
    assert not store_driver.store.lead("e", "new", 10).is_mine
    assert (store_driver.store.experiment("e").led_until - store_driver.store.now()).total_seconds() <= 10
    store_driver.shift_clock(11)
    taken = store_driver.store.lead("e", "new", 10)
    assert taken.is_mine
    assert 90 <= taken.elapsed.seconds < 150
    assert taken.elapsed.since == run - timedelta(seconds=90)


def test_an_experiment_of_a_newer_layout_is_refused(store_driver: StoreDriver, raw: Any) -> None:
    store_driver.store.open_experiment(store_driver.experiment())
    raw.experiments.update_one({}, {"$set": {"schema": 3}})

    for attempt in (
        lambda: store_driver.store.experiment("e"),
        lambda: store_driver.store.open_experiment(store_driver.experiment()),
    ):
        with pytest.raises(StoreError, match=r"newer hpsearch, in layout 3.*upgrade"):
            attempt()


def test_a_result_over_16_mb_is_refused_and_its_largest_part_named(
    store_driver: StoreDriver,
) -> None:
    store_driver.insert()
    trial = store_driver.claim()

    for size in (2**24 - 200, 17 * 2**20, 50 * 2**20):
        with pytest.raises(
            TooLargeError, match=r"trial e/000000 is larger than .* largest part is result\.weights"
        ):
            store_driver.store.finish(trial, Result(loss=1.0, result={"loss": 1.0, "weights": b"x" * size}))

    assert store_driver.read(trial) == trial
    store_driver.store.finish(trial, Result(loss=1.0, result={"weights": b"x" * 4 * 2**20}))


def test_params_over_16_mb_are_refused(store_driver: StoreDriver) -> None:
    with pytest.raises(TooLargeError):
        store_driver.insert(params={"x": "y" * 17 * 2**20})


# Addresses and rights


def test_the_database_is_named_in_the_uri_or_hpsearch_by_default(
    mongo_uri: str, failpoint_server: Server, new_database: str
) -> None:
    for path, name in (("", "hpsearch"), (new_database, new_database)):
        opened = MongoStore.connect(f"{failpoint_server.uri}{path}?retryReads=true", patience=PATIENCE)
        assert opened.database == name
        opened.close()


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("localhost:27017", "begins with mongodb://"),
        ("postgres://localhost/x", "begins with mongodb://"),
        ("mongodb://", "not valid"),
        ("mongodb://localhost:port/", "not valid"),
        ("mongodb://localhost/?tls=perhaps", "not valid"),
        ("mongodb://localhost/?tsl=true", r"not valid: unknown option tsl; did you mean tls\?$"),
        ("mongodb://anna:x@localhost/?replicatSet=rs0", r"option replicatSet; did you mean replicaSet\?$"),
        ("mongodb://localhost/?colour=red", r"not valid: unknown option colour\.$"),
        ("mongodb://anna:x@localhost/?sesame=red", r"not valid: one of its options is unknown\.$"),
        ("mongodb://localhost/?tlsCAFile=/nowhere.pem", "/nowhere.pem, named by tlsCAFile .* cannot be read"),
        ("mongodb+srv://localhost/", "not valid"),
        ("mongodb+srv://nowhere.invalid.example/", "not valid|not set up correctly"),
        ("mongodb://anna:s3cr/et@localhost/", "percent-encoded"),
        ("mongodb://anna:s3cr@et@localhost/", "percent-encoded"),
    ],
)
def test_a_bad_uri_is_refused_at_once(uri: str, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        MongoStore.connect(uri, patience=ENDLESS)

    assert "s3cr" not in "".join(traceback.format_exception(caught.value))


def test_a_bad_database_name_is_refused(failpoint_server: Server) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        MongoStore.connect(failpoint_server.uri, database="a b/c", patience=PATIENCE)


def test_a_wrong_password_is_refused_at_once_and_never_shown(
    mongo_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "hpsearch")
    password = urlsplit(mongo_uri).password
    assert password
    wrong = mongo_uri.replace(f":{quote(password)}@", ":s3cret@")

    with pytest.raises(StorePermissionError, match="refuses this user") as caught:
        MongoStore.connect(wrong, patience=ENDLESS)

    assert "s3cret" not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_no_password_is_shown_while_the_server_is_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hpsearch")
    uri = "mongodb://anna:s3cret@127.0.0.1:1,127.0.0.1:2/?serverSelectionTimeoutMS=100"

    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2") as caught:
        MongoStore.connect(uri, patience=Patience(0.5))

    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "s3cret" not in shown
    assert len(caplog.records) == 1


@contextlib.contextmanager
def user_with(raw: Any, uri: str, rights: dict[str, list[str]]) -> Iterator[MongoStore]:
    """Connect as a user with only the given rights."""
    privileges = [
        {"resource": {"db": raw.name, "collection": name}, "actions": actions}
        for name, actions in rights.items()
    ]
    raw.command("createRole", "limited", privileges=privileges, roles=[])
    raw.command("createUser", "limited", pwd="pw", roles=["limited"])
    parts = urlsplit(uri)
    limited = f"mongodb://limited:pw@{parts.hostname}:{parts.port}/{raw.name}?authSource={raw.name}"
    opened = MongoStore.connect(limited, patience=PATIENCE)
    try:
        yield opened
    finally:
        opened.close()


def test_a_worker_needs_only_to_find_and_update_trials(
    store_driver: StoreDriver, raw: Any, mongo_uri: str
) -> None:
    store_driver.store.open_experiment(store_driver.experiment())
    store_driver.insert(2)
    rights = {
        "trials": ["find", "update"],
        "experiments": ["find"],
        "workers": ["find", "insert", "update"],
        "attachments.files": ["find", "insert", "update", "remove"],
        "attachments.chunks": ["find", "insert", "remove"],
    }
    with user_with(raw, mongo_uri, rights) as limited:
        theirs = replace(store_driver, store=limited)
        assert limited.experiment("e").exp_key == "e"
        limited.renew(theirs.claim())
        limited.release(theirs.claim(), "draining")
        trial = theirs.claim()
        for data in (b"old", b"new"):
            limited.attach("e", "model", data, tid=trial.tid, attempt=trial.attempt)
        limited.finish(trial, Result(loss=1.0))
        assert limited.attachment("e", "model", tid=trial.tid) == b"new"
        limited.record_worker(WORKER, 60)
        assert [worker.name for worker in limited.workers()] == [WORKER.name]
        with pytest.raises(StorePermissionError, match="refuses this user"):
            limited.insert([store_driver.trial(9)])


def test_a_user_without_the_right_to_prepare_uses_a_prepared_database(
    store_driver: StoreDriver, raw: Any, mongo_uri: str
) -> None:
    rights = {"trials": ["find", "insert", "update"], "experiments": ["find", "insert", "update"]}
    with user_with(raw, mongo_uri, rights) as limited:
        assert limited.open_experiment(store_driver.experiment()).exp_key == "e"
        limited.insert([store_driver.trial(0)])
        limited.wait_for_change("e", 0.01)  # no right to watch: it polls
        limited.wait_for_change("e", 0.01)
        assert limited.counts("e")[State.PENDING] == 1


# Servers


def test_a_standalone_server_works_with_one_warning(
    standalone_server: Server, new_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    opened = MongoStore.connect(standalone_server.uri, database=new_database, patience=PATIENCE)
    store_driver = mongo_driver(opened, "e")
    opened.open_experiment(store_driver.experiment())
    trials = store_driver.insert(3)
    opened.insert([*trials, store_driver.trial(3)])
    trial = store_driver.claim()
    opened.renew(trial)
    opened.finish(trial, Result(loss=0.5))
    opened.wait_for_change("e", 3600)  # which is not possible here, and does not wait
    assert [t.loss for t in opened.finished("e", range(4))] == [0.5]
    opened.close()

    (warning,) = [record for record in caplog.records if record.name.startswith("hpsearch")]
    assert "standalone" in warning.message


def test_closing_a_store_closes_its_cursors(mongo_uri: str, database: str) -> None:
    """The server would keep a change stream of every search open for half an hour."""
    opened = MongoStore.connect(mongo_uri, database=database, patience=PATIENCE)
    opened.prepare()
    opened.wait_for_change("e", 0.01)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        look = [{"$currentOp": {"idleCursors": True}}, {"$match": {"type": "idleCursor"}}]
        ours = [{"$match": {"ns": f"{database}.{TRIALS}"}}]
        assert len(list(client.admin.aggregate(look + ours))) == 1
        opened.close()
        assert list(client.admin.aggregate(look + ours)) == []


def test_a_server_older_than_5_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"MongoDB 4\.4\.29 at db:27017 is too old.*5\.0"):
        check_version({"version": "4.4.29", "versionArray": [4, 4, 29, 0]}, "db:27017")
    check_version({"version": "5.0.0", "versionArray": [5, 0, 0, 0]}, "db:27017")
