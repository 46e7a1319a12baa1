"""A user that MongoDB refuses for a while: after a rotated password, or while a role is edited."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import Report, Result, State
from hpsearch.errors import ConfigurationError, StorePermissionError
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import COLLECTIONS_AND_VIEWS
from hpsearch.store.mongo.roles import COORDINATOR, ROLES, VIEWER, WORKER, Role
from hpsearch.store.mongo.setup import Setup
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import LeaseStatus
from hpsearch.testing.contract.driver import WORKER as ANNA
from tests.support.servers import Server
from tests.support.store_driver import mongo_driver
from tests.support.waiting import wait_until

PATIENCE = Patience(120)


@dataclass
class Site:
    """A prepared database, its administrator, and a file with the URI of one user."""

    uri: str
    file: Path
    name: str = "hpsearch"

    def prepare(self) -> None:
        with Setup(self.uri, PATIENCE) as setup:
            for each in COLLECTIONS_AND_VIEWS:
                setup.prepare(each)
            for role in ROLES:
                setup.define(role)

    def admit(self, role: Role) -> str:
        """Set a new password for the user of a role; return the URI with it."""
        with Setup(self.uri, PATIENCE) as setup:
            return setup.set_user(role)

    def command(self, *args: Any, **fields: Any) -> None:
        with MongoClient[dict[str, Any]](self.uri) as client:
            client.get_default_database().command(*args, **fields)

    def revoke(self, role: Role) -> None:
        self.command("revokeRolesFromUser", role.name, roles=[role.name])

    def grant(self, role: Role) -> None:
        self.command("grantRolesToUser", role.name, roles=[role.name])

    def read(self) -> str:
        try:
            return self.file.read_text()
        except FileNotFoundError:  # the test replaces it at any moment
            raise ConfigurationError("The store file cannot be read.") from None

    def connect(self, uri: str, seconds: float = 60, *, has_file: bool = True) -> MongoStore:
        read_uri = self.read if has_file else None
        return MongoStore.connect(uri, patience=Patience(600, seconds), read_uri=read_uri)


@pytest.fixture
def site(mongo_uri: str, tmp_path: Path) -> Site:
    """A site on the shared server, where tests may edit roles."""
    name = f"access_{uuid.uuid4().hex[:8]}"
    head, _, options = mongo_uri.partition("?")
    made = Site(f"{head.rpartition('/')[0]}/{name}?{options}", tmp_path / "uri", name)
    made.prepare()
    return made


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A separate server with users, which can be restarted: only new connections check a password."""
    server = Server(tmp_path_factory.mktemp("locked") / "m", "--auth")
    server.start()
    with server.client() as client:
        client.admin.command("createUser", "root", pwd="root", roles=["root"])
    yield server
    server.kill()


@pytest.fixture
def own(locked: Server, tmp_path: Path) -> Site:
    database = f"access_{uuid.uuid4().hex[:8]}"
    uri = f"mongodb://root:root@127.0.0.1:{locked.port}/{database}?authSource=admin"
    made = Site(uri, tmp_path / "uri", database)
    made.prepare()
    return made


def restart(server: Server) -> None:
    """Restart the server, which cuts all connections."""
    assert server.process is not None
    server.process.terminate()
    server.process.wait()
    server.start()


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if getattr(r, "event", None) == name]


class Meanwhile:
    """Runs a call in another thread."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.result: object = None
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, args=(call,))
        self.thread.start()

    def _run(self, call: Callable[[], object]) -> None:
        try:
            self.result = call()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error

    def end(self) -> object:
        self.thread.join(200)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


def test_a_rotated_password_is_read_from_the_file_and_logged_once(
    own: Site, locked: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "hpsearch")
    first_uri = own.admit(COORDINATOR)
    own.file.write_text(first_uri)
    store = own.connect(own.read())
    store_driver = mongo_driver(store, "e")
    store.open_experiment(store_driver.experiment())
    store_driver.insert(3)
    rotated = own.admit(COORDINATOR)
    restart(locked)

    calls = [Meanwhile(lambda: store.counts("e")) for _ in range(3)]
    wait_until(lambda: store.contact().refused_s is not None, "a refusal")
    own.file.write_text("")  # as while it is being written
    own.file.unlink()
    own.file.write_text(rotated)

    for call in calls:
        assert call.end()[State.PENDING] == 3
    assert store.contact().refused_s is None
    [refused] = events(caplog, "access_refused")
    [back] = events(caplog, "access_granted")
    assert "Authentication failed" in refused
    assert "accepts this user again" in back
    for uri in (first_uri, rotated):
        assert uri.split("@")[0].rpartition(":")[2] not in caplog.text
    store.close()


def test_a_password_that_is_not_in_a_file_can_be_restored_at_the_server(own: Site, locked: Server) -> None:
    uri = own.admit(COORDINATOR)
    password = uri.split("@")[0].rpartition(":")[2]
    store = own.connect(uri, has_file=False)
    own.admit(COORDINATOR)
    restart(locked)
    call = Meanwhile(store.experiments)
    wait_until(lambda: store.contact().refused_s is not None, "a refusal")
    own.command("updateUser", COORDINATOR.name, pwd=password)
    assert call.end() == []
    store.close()


def test_every_call_works_with_the_new_password(own: Site, locked: Server) -> None:
    """Every call of the protocol uses the new client."""
    own.file.write_text(own.admit(COORDINATOR))
    store = own.connect(own.read())
    store_driver = mongo_driver(store, "e")
    store.open_experiment(store_driver.experiment())
    store_driver.insert(4)
    held = store_driver.claim()
    store.wait_for_change("e", 0.01)
    own.file.write_text(own.admit(COORDINATOR))
    restart(locked)

    assert store.lead("e", "me", 60).is_mine
    store.wait_for_change("e", 0.01)
    store.wait_for_change("e", 0.01)
    assert store.renew(held) is LeaseStatus.HELD
    store.report(held, [Report(step=1, value=0.5)])
    store.attach("e", "model", b"data", tid=held.tid, attempt=held.attempt)
    assert store.attachment("e", "model", tid=held.tid) == b"data"
    store.finish(held, Result(loss=1.0))
    assert [trial.loss for trial in store.finished("e", range(4))] == [1.0]
    second = store_driver.claim()
    store.unclaim(second)
    store.release(store_driver.claim(), "draining")
    assert len(list(store.points("e"))) == len(list(store.trials("e"))) == 4
    assert store.expire("e") == store.shorten_leases("e") == 0
    assert store.is_running(store.experiment("e"))
    assert store.cancel("e", {State.PENDING}) == 3
    assert store.workers() == []
    assert store.now()
    store.prepare()
    store.set_experiment_state("e", ExperimentState.DONE)
    store.resign("e", "me")
    assert store.delete_experiment("e") == 4
    store.close()


@pytest.mark.long
def test_many_threads_survive_a_password_change(own: Site, locked: Server) -> None:
    own.file.write_text(own.admit(COORDINATOR))
    store = own.connect(own.read())
    store_driver = mongo_driver(store, "e")
    store.open_experiment(store_driver.experiment())
    store_driver.insert(40)
    is_over = threading.Event()

    def work() -> int:
        n = 0
        while not is_over.is_set():
            trial = store.claim(ANNA, store_driver.token(), ["e"])
            if trial is not None:
                store.finish(trial, Result(loss=1.0))
                n += 1
        return n

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(work) for _ in range(6)]
        try:
            for _ in range(2):
                own.file.write_text(own.admit(COORDINATOR))
                restart(locked)
            wait_until(lambda: store.counts("e")[State.DONE] == 40, "all trials")
        finally:
            is_over.set()
    assert sum(worker.result() for worker in workers) == 40
    store.close()


def test_a_role_that_is_briefly_missing_costs_no_result(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    lead = site.connect(site.admit(COORDINATOR))
    lead.open_experiment(mongo_driver(lead, "e").experiment())
    mongo_driver(lead, "e").insert(1)
    store = site.connect(site.admit(WORKER), has_file=False)
    trial = mongo_driver(store, "e").claim()
    site.revoke(WORKER)
    finish = Meanwhile(lambda: store.finish(trial, Result(loss=0.25)))
    wait_until(lambda: store.contact().refused_s is not None, "a refusal")
    assert lead.trial("e", 0).state is State.RUNNING
    site.grant(WORKER)
    finish.end()
    done = lead.trial("e", 0)
    assert (done.loss, done.attempt) == (0.25, 1)
    assert len(events(caplog, "access_refused")) == len(events(caplog, "access_granted")) == 1
    lead.close()
    store.close()


def test_a_deleted_and_re_created_user_continues(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Existing connections lose the user permanently, even if the password is the same."""
    uri = site.admit(WORKER)
    store = site.connect(uri, has_file=False)
    assert store.experiments() == []
    site.command("dropUser", WORKER.name)
    calls = [Meanwhile(store.experiments) for _ in range(3)]
    wait_until(lambda: store.contact().refused_s is not None, "a refusal")
    site.command("createUser", WORKER.name, pwd=uri.split("@")[0].rpartition(":")[2], roles=[WORKER.name])
    assert [call.end() for call in calls] == [[], [], []]
    assert len(events(caplog, "access_refused")) == len(events(caplog, "access_granted")) == 1
    store.close()


def test_a_right_that_the_user_never_had_is_refused_at_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    lead = site.connect(site.admit(COORDINATOR))
    lead.open_experiment(mongo_driver(lead, "e").experiment())
    mongo_driver(lead, "e").insert(1)
    store = site.connect(site.admit(VIEWER), seconds=600)
    for refused in (
        lambda: mongo_driver(store, "e").claim(),
        lambda: store.record_worker(ANNA, 60),
        lambda: store.attach("e", "name", b"data"),
        lambda: store.set_experiment_state("e", ExperimentState.PAUSED),
    ):
        with pytest.raises(StorePermissionError, match="needs the role"):
            refused()
    assert store.contact().refused_s is None
    assert events(caplog, "access_refused") == []
    lead.close()
    store.close()


def test_without_patience_for_refusals_a_refusal_is_raised_at_once(site: Site) -> None:
    store = MongoStore.connect(site.admit(WORKER), patience=PATIENCE)
    site.revoke(WORKER)
    with pytest.raises(StorePermissionError):
        store.experiments()
    store.close()


def test_once_the_patience_has_ended_no_call_waits_again(site: Site) -> None:
    n_waits = 0

    def may_wait() -> bool:
        nonlocal n_waits
        n_waits += 1
        patience.refused_s = 60 if n_waits < 3 else 0.0
        return True

    patience = Patience(30, 60, may_wait=may_wait)
    store = MongoStore.connect(site.admit(WORKER), patience=patience)
    site.revoke(WORKER)
    with pytest.raises(StorePermissionError, match="needs the role hpsearch_viewer"):
        store.experiments()
    assert n_waits == 3
    with pytest.raises(StorePermissionError):
        store.workers()
    assert n_waits == 3
    assert store.contact().refused_s is not None
    site.grant(WORKER)
    assert store.experiments() == []
    store.close()
