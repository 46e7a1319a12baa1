"""With MongoDB away, slow or killed, or answers lost, a call takes effect once or raises in time."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hpsearch.core.trial import Report, Result, State, Trial
from hpsearch.errors import LeaseLostError, StoreError, StoreUnavailableError
from hpsearch.store.mongo.gridfs import CHUNK_BYTES
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.testing import StoreDriver
from hpsearch.testing.contract.driver import WORKER, NothingToClaimError
from tests.support.databases import Databases
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.store_driver import mongo_driver
from tests.support.waiting import wait_until

DONE = Result(loss=1.0, result={"loss": 1.0})


@pytest.fixture(scope="module")
def databases_with_failpoints(failpoint_server: Server) -> Iterator[Databases]:
    lent = Databases(failpoint_server.uri)
    yield lent
    lent.close()


@pytest.fixture
def failpoint_database(databases_with_failpoints: Databases) -> Iterator[str]:
    """An empty database on the server with fail points."""
    with databases_with_failpoints.lend() as name:
        yield name


@pytest.fixture(scope="module")
def standalone_databases(standalone_server: Server) -> Iterator[Databases]:
    lent = Databases(standalone_server.uri)
    yield lent
    lent.close()


@pytest.fixture
def standalone_database(standalone_databases: Databases) -> Iterator[str]:
    """An empty database on the server that is no replica set."""
    with standalone_databases.lend() as name:
        yield name


@contextlib.contextmanager
def connected(uri: str, database: str, patience_s: float = 120) -> Iterator[MongoStore]:
    store = MongoStore.connect(uri, database=database, patience=Patience(patience_s))
    store.prepare()
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def failing(server: Server, commands: list[str], **how: Any) -> Iterator[None]:
    """Make commands of hpsearch fail on the server."""
    point = {"failCommands": commands, "appName": "hpsearch", **how}
    times = point.pop("times")
    with server.client() as client:
        client.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=point)
        try:
            yield
        finally:
            client.admin.command("configureFailPoint", "failCommand", mode="off")


def claims(store_driver: StoreDriver) -> None:
    trial = store_driver.claim()
    assert (trial.tid, trial.attempt) == (0, 1)
    assert [t.tid for t in store_driver.store.trials("e", states={State.RUNNING})] == [0, 5]


def finishes(store_driver: StoreDriver) -> None:
    trial = store_driver.store.trial("e", 5)
    store_driver.store.finish(trial, DONE)
    done = store_driver.store.trial("e", 5)
    assert (done.state, done.loss) == (State.DONE, 1.0)


def inserts(store_driver: StoreDriver) -> None:
    store_driver.store.insert([store_driver.trial(tid) for tid in range(10, 14)])
    assert store_driver.store.counts("e")[State.PENDING] == 8


def reports(store_driver: StoreDriver) -> None:
    store_driver.store.report(store_driver.store.trial("e", 5), [Report(step=1, value=2)])
    assert len(store_driver.store.trial("e", 5).reports) == 1


def releases(store_driver: StoreDriver) -> None:
    store_driver.store.release(store_driver.store.trial("e", 5), "draining")
    assert len(store_driver.store.trial("e", 5).history) == 1


def leads(store_driver: StoreDriver) -> None:
    store_driver.store.open_experiment(store_driver.experiment())
    assert store_driver.store.lead("e", "anna", 60).epoch == 1


def attaches(store_driver: StoreDriver) -> None:
    for data in (b"old" * CHUNK_BYTES, b"new" * CHUNK_BYTES):
        store_driver.store.attach("e", "a", data, tid=5, attempt=1)
    assert store_driver.store.attachments("e", tid=5) == ["a"]
    assert store_driver.store.attachment("e", "a", tid=5) == b"new" * CHUNK_BYTES


def detaches(store_driver: StoreDriver) -> None:
    store_driver.store.attach("e", "a", b"x")
    store_driver.store.detach("e", "a")
    assert store_driver.store.attachments("e") == []


def deletes(store_driver: StoreDriver) -> None:
    assert store_driver.store.delete_experiment("e") == 5
    assert list(store_driver.store.trials("e")) == []


def with_one_claimed(store: MongoStore) -> StoreDriver:
    """Insert four pending trials, and number 5, which a worker holds."""
    store_driver = mongo_driver(store, "e")
    store.insert([store_driver.trial(5, priority=1)])
    store_driver.claim()
    store.insert([store_driver.trial(tid) for tid in range(4)])
    return store_driver


CALLS = [
    (claims, "findAndModify"),
    (finishes, "update"),
    (inserts, "insert"),
    (reports, "update"),
    (releases, "update"),
    (leads, "findAndModify"),
    (attaches, "insert"),
    (attaches, "update"),
    (detaches, "delete"),
    (deletes, "delete"),
]


@pytest.mark.parametrize(
    ("n_lost", "options"), [(1, "retryWrites=true"), (3, "retryWrites=true"), (1, "retryWrites=false")]
)
@pytest.mark.parametrize(("call", "command"), CALLS)
def test_a_call_with_lost_answers_takes_effect_once(
    proxy: Proxy, failpoint_database: str, call: Any, command: str, n_lost: int, options: str
) -> None:
    uri = f"mongodb://127.0.0.1:{proxy.ports[0]}/?directConnection=true&{options}"
    with connected(uri, failpoint_database) as store:
        store_driver = with_one_claimed(store)
        proxy.cut(command, before=False, times=n_lost)

        call(store_driver)

        assert proxy.n_cut == n_lost


@pytest.mark.parametrize(("call", "command"), CALLS)
def test_lost_answers_of_a_standalone_server_do_no_harm(
    standalone_server: Server, standalone_database: str, call: Any, command: str
) -> None:
    proxy = Proxy([standalone_server.port])
    with (
        contextlib.closing(proxy),
        connected(f"mongodb://127.0.0.1:{proxy.ports[0]}/", standalone_database) as store,
    ):
        store_driver = with_one_claimed(store)
        proxy.cut(command, before=False, times=2)

        call(store_driver)

        assert proxy.n_cut == 2


@pytest.mark.parametrize(
    "how", [{"closeConnection": True}, {"errorCode": 91}, {"errorCode": 11602}, {"errorCode": 365}]
)
@pytest.mark.parametrize(("call", "command"), CALLS)
def test_a_call_that_fails_at_first_takes_effect_once(
    failpoint_server: Server, failpoint_database: str, call: Any, command: str, how: dict[str, Any]
) -> None:
    with connected(f"{failpoint_server.uri}?heartbeatFrequencyMS=500", failpoint_database) as store:
        store_driver = with_one_claimed(store)
        with failing(failpoint_server, [command], times=3, **how):
            call(store_driver)


@pytest.mark.parametrize(("call", "command"), CALLS)
def test_a_write_waits_until_a_majority_has_it(
    failpoint_server: Server, failpoint_database: str, call: Any, command: str
) -> None:
    """The server applies the call without a majority: it is repeated and takes effect once."""
    with connected(failpoint_server.uri, failpoint_database) as store:
        store_driver = with_one_claimed(store)
        unsafe = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}
        with failing(failpoint_server, [command], times=1, **unsafe):
            call(store_driver)


def test_reads_survive_a_lost_connection(failpoint_server: Server, failpoint_database: str) -> None:
    with connected(failpoint_server.uri, failpoint_database) as store:
        mongo_driver(store, "e").insert(1500)
        with failing(failpoint_server, ["find", "aggregate", "hello"], times=3, closeConnection=True):
            assert [trial.tid for trial in store.trials("e")] == list(range(1500))
        with failing(failpoint_server, ["aggregate"], times=3, closeConnection=True):
            assert store.counts("e")[State.PENDING] == 1500


def test_a_wait_survives_the_loss_of_its_change_stream(
    failpoint_server: Server, failpoint_database: str
) -> None:
    with connected(failpoint_server.uri, failpoint_database) as store:
        store_driver = mongo_driver(store, "e")
        store_driver.insert(1)
        store.wait_for_change("e", 0)
        with failing(failpoint_server, ["aggregate", "getMore"], times=6, closeConnection=True):
            for _ in range(4):
                store.wait_for_change("e", 0.3)
        store.finish(store_driver.claim(), DONE)
        store.wait_for_change("e", 5)


def test_acknowledged_finishes_survive_kill_9(
    killable_server: Server, new_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hpsearch")
    with connected(
        f"{killable_server.uri}?serverSelectionTimeoutMS=200", new_database, patience_s=60
    ) as store:
        store_driver = mongo_driver(store, "e")
        store_driver.insert(3000)
        acknowledged: set[int] = set()
        is_over = threading.Event()

        def work() -> None:
            while not is_over.is_set() and (trial := store.claim(*claim_of(store_driver))):
                store.finish(trial, DONE)
                acknowledged.add(trial.tid)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        wait_until(lambda: len(acknowledged) > 50)
        killable_server.kill()
        n_before = len(acknowledged)
        killable_server.start()
        wait_until(lambda: len(acknowledged) > n_before + 50)
        is_over.set()
        for worker in workers:
            worker.join()

        trials = list(store.trials("e"))
        done = {trial.tid for trial in trials if trial.state is State.DONE}
        assert acknowledged <= done
        assert all(trial.attempt == 1 for trial in trials if trial.state is not State.PENDING)
        assert store.counts("e")[State.RUNNING] == 0
    events = [record.event for record in caplog.records if hasattr(record, "event")]
    assert events == ["database_away", "database_back"]


def test_a_call_to_a_frozen_server_fails_once_the_patience_ends(
    killable_server: Server, new_database: str
) -> None:
    with connected(f"{killable_server.uri}?socketTimeoutMS=500", new_database, patience_s=1) as store:
        killable_server.freeze()
        try:
            with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{killable_server.port}"):
                store.experiments()  # without the patience it would wait for ever
        finally:
            killable_server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: store.experiments() == [])


def test_an_unreachable_host_is_given_up_when_the_patience_ends() -> None:
    n_waits = 0

    def may_wait() -> bool:
        nonlocal n_waits
        n_waits += 1
        return n_waits < 3

    with pytest.raises(StoreUnavailableError, match=r"MongoDB at 127\.0\.0\.1:1 .*refused"):
        MongoStore.connect(
            "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", patience=Patience(60, may_wait=may_wait)
        )

    assert n_waits == 3


def test_a_closed_store_raises(failpoint_server: Server, failpoint_database: str) -> None:
    with connected(failpoint_server.uri, failpoint_database) as store:
        pass
    with pytest.raises(StoreError, match="is closed"):
        store.experiments()


def test_a_stale_and_a_new_holder_leave_one_result(failpoint_server: Server, failpoint_database: str) -> None:
    """The server decides the race: the loser gets an error, and the document has one result."""
    with connected(failpoint_server.uri, failpoint_database) as store:
        store_driver = mongo_driver(store, "e")
        for tid in range(20):
            store.insert([store_driver.trial(tid, lease_s=0)])
            stale = store_driver.claim()
            store_driver.expire_lease(stale)
            accepted: dict[float, bool] = {}

            def finish(loss: float, held: Trial | None, accepted: dict[float, bool] = accepted) -> None:
                try:
                    held = held or store_driver.claim()
                    store.finish(held, Result(loss=loss))
                    accepted[loss] = True
                except (LeaseLostError, NothingToClaimError):
                    accepted[loss] = False

            racers = [threading.Thread(target=finish, args=race) for race in ((1.0, stale), (2.0, None))]
            for racer in racers:
                racer.start()
            for racer in racers:
                racer.join()

            assert accepted[store.trial("e", tid).loss or 0.0]
            assert sum(accepted.values()) == 1


def claim_of(store_driver: StoreDriver) -> tuple[Any, str, list[str]]:
    return WORKER, store_driver.token(), [store_driver.exp_key]
