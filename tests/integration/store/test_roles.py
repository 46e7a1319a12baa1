"""What each role of ``hpsearch db init --users`` may and may not do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import Report, Result, State
from hpsearch.errors import StorePermissionError
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import COLLECTIONS_AND_VIEWS
from hpsearch.store.mongo.roles import COORDINATOR, ROLES, VIEWER, WORKER, Role, privileges
from hpsearch.store.mongo.setup import Setup
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.mongo.views import VIEWS
from hpsearch.store.protocol import LeaseStatus
from hpsearch.testing.contract.driver import WORKER as ANNA
from tests.support.store_driver import mongo_driver

PATIENCE = Patience(120)
UNAUTHORIZED = 13

Database = Any
Operation = Callable[[Database], Any]


@dataclass
class Site:
    """A prepared database, and the URI of each of its users."""

    name: str
    administrator: Database
    uris: dict[str, str]

    def store(self, role: Role) -> MongoStore:
        return MongoStore.connect(self.uris[role.name], patience=PATIENCE)


@pytest.fixture(scope="module")
def site(mongo_uri: str) -> Iterator[Site]:
    """A database with an experiment, a trial, and the three users."""
    name = f"roles_{uuid.uuid4().hex[:8]}"
    head, _, options = mongo_uri.partition("?")
    uri = f"{head.rpartition('/')[0]}/{name}?{options}"
    with Setup(uri, PATIENCE) as setup, MongoClient[dict[str, Any]](uri) as client:
        for each in COLLECTIONS_AND_VIEWS:
            setup.prepare(each)
        for role in ROLES:
            setup.define(role)
        uris = {role.name: setup.set_user(role) for role in ROLES}
        made = Site(name, client[name], uris)
        store = made.store(COORDINATOR)
        store_driver = mongo_driver(store, "kept")
        store.open_experiment(store_driver.experiment())
        store_driver.insert(1)
        store.close()
        yield made


def test_a_search_runs_with_a_user_for_each_part(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Every call of the protocol succeeds with the role of the part that makes it."""
    caplog.set_level("INFO", "hpsearch")
    coordinator, worker, viewer = (site.store(role) for role in (COORDINATOR, WORKER, VIEWER))
    lead, work = mongo_driver(coordinator, "whole"), mongo_driver(worker, "whole")

    coordinator.open_experiment(lead.experiment())
    assert coordinator.lead("whole", "me", 60).is_mine
    lead.insert(4)
    coordinator.wait_for_change("whole", 0.01)
    coordinator.attach("whole", "objective", b"code")
    assert worker.experiment("whole").exp_key == "whole"
    assert worker.attachment("whole", "objective") == b"code"
    worker.record_worker(ANNA, 60)
    assert worker.claim(ANNA, "none waits", ["nowhere", "nor here"]) is None
    worker.release(work.claim(), "draining")
    trial = work.claim()
    assert worker.renew(trial) is LeaseStatus.HELD
    worker.report(trial, [Report(step=1, value=0.5)])
    for data in (b"old", b"new"):
        worker.attach("whole", "model", data, tid=trial.tid, attempt=trial.attempt)
    worker.finish(trial, Result(loss=1.0))

    assert [done.loss for done in coordinator.finished("whole", range(4))] == [1.0]
    assert coordinator.expire("whole") == 0
    assert coordinator.cancel("whole", {State.PENDING}) == 3
    assert coordinator.set_priority("whole", 2).priority == 2
    coordinator.set_experiment_state("whole", ExperimentState.DONE)
    coordinator.resign("whole", "me")
    for store in (coordinator, worker, viewer):
        assert store.counts("whole")[State.DONE] == 1
        assert store.summaries(["whole"])["whole"].n_recent == 1
        assert [e.exp_key for e in store.experiments([ExperimentState.DONE])] == ["whole"]
        assert len(list(store.trials("whole", sort="loss"))) == 1
        assert store.attachments("whole", tid=trial.tid) == ["model"]
        assert store.attachment("whole", "model", tid=trial.tid) == b"new"
        assert [w.name for w in store.workers()] == [ANNA.name]
    assert coordinator.delete_experiment("whole") == 4
    # Nothing was refused: neither the check of the preparation nor change streams.
    assert [r.event for r in caplog.records if hasattr(r, "event")] == []
    for store in (coordinator, worker, viewer):
        store.close()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_role_may_read_the_views(site: Site, role: Role) -> None:
    with MongoClient[dict[str, Any]](site.uris[role.name]) as client:
        found = {view: list(client[site.name][view].find({}, {"search": 1})) for view in VIEWS}
    assert {"search": "kept"} in found["searches"]


#: Operations that a role may not do, and the missing rights: (collection, action).
REFUSED: dict[str, tuple[tuple[Role, ...], Operation, str, str]] = {
    "create an experiment": (
        (WORKER, VIEWER),
        lambda db: db.experiments.insert_one({"_id": "new"}),
        "experiments",
        "insert",
    ),
    "change an experiment": (
        (WORKER, VIEWER),
        lambda db: db.experiments.update_one({"_id": "kept"}, {"$set": {"note": 1}}),
        "experiments",
        "update",
    ),
    "delete an experiment": (
        (WORKER, VIEWER),
        lambda db: db.experiments.delete_many({"_id": "none"}),
        "experiments",
        "remove",
    ),
    "insert a trial": ((WORKER, VIEWER), lambda db: db.trials.insert_one({"_id": "new"}), "trials", "insert"),
    "delete a trial": (
        (WORKER, VIEWER),
        lambda db: db.trials.delete_many({"_id": "none"}),
        "trials",
        "remove",
    ),
    "update a trial": (
        (VIEWER,),
        lambda db: db.trials.update_one({"_id": "kept/000000"}, {"$set": {"note": 1}}),
        "trials",
        "update",
    ),
    "write the registry": (
        (VIEWER, COORDINATOR),
        lambda db: db.workers.update_one({"_id": "none"}, {"$set": {"note": 1}}),
        "workers",
        "update",
    ),
    "delete from the registry": (
        (VIEWER, WORKER, COORDINATOR),
        lambda db: db.workers.delete_many({"_id": "none"}),
        "workers",
        "remove",
    ),
    "attach": (
        (VIEWER,),
        lambda db: db["attachments.chunks"].insert_one({"files_id": 1, "n": 0}),
        "attachments.chunks",
        "insert",
    ),
    "delete an attachment": (
        (VIEWER,),
        lambda db: db["attachments.files"].delete_many({"_id": "none"}),
        "attachments.files",
        "remove",
    ),
    "watch": ((WORKER, VIEWER), lambda db: db.trials.watch().close(), "trials", "changeStream"),
    "drop a collection": (ROLES, lambda db: db.trials_of_none.drop(), "trials_of_none", "dropCollection"),
    "create an index": (ROLES, lambda db: db.trials.create_index("note"), "trials", "createIndex"),
    "change a validator": (
        ROLES,
        lambda db: db.command("collMod", "workers", validationLevel="moderate"),
        "workers",
        "collMod",
    ),
    "create a collection": (ROLES, lambda db: db.command("create", "mine"), "mine", "createCollection"),
    "drop the database": (ROLES, lambda db: db.client.drop_database(db.name), "", "dropDatabase"),
    "make a user": (
        ROLES,
        lambda db: db.command("createUser", f"eve{uuid.uuid4().hex}", pwd="pw", roles=[]),
        "",
        "createUser",
    ),
    "make a role": (
        ROLES,
        lambda db: db.command("createRole", f"eve{uuid.uuid4().hex}", privileges=[], roles=[]),
        "",
        "createRole",
    ),
    "take another role": (
        ROLES,
        lambda db: db.command("grantRolesToUser", "hpsearch_worker", roles=["hpsearch_worker"]),
        "",
        "grantRole",
    ),
}
CASES = [(role, what) for what, (roles, *_) in REFUSED.items() for role in roles]


@pytest.mark.parametrize(("role", "what"), CASES, ids=[f"{r.name}-{w}" for r, w in CASES])
def test_a_role_may_not(site: Site, role: Any, what: Any) -> None:
    """The operation is refused with the role, and succeeds once the right is added."""
    _, operation, collection, action = REFUSED[what]
    with MongoClient[dict[str, Any]](site.uris[role.name]) as client:
        assert code_of(operation, client[site.name]) == UNAUTHORIZED
        if what == "drop the database":  # the other tests need it
            return
        right = {"resource": {"db": site.name, "collection": collection}, "actions": [action]}
        rights = [*privileges(role, site.name), right]
        try:
            site.administrator.command("updateRole", role.name, privileges=rights, roles=[])
            assert code_of(operation, client[site.name]) != UNAUTHORIZED
        finally:
            site.administrator.command(
                "updateRole", role.name, privileges=privileges(role, site.name), roles=[]
            )


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_role_reads_another_database(site: Site, role: Any) -> None:
    """Neither other searches, nor users' keys, nor the log of all writes."""
    with MongoClient[dict[str, Any]](site.uris[role.name]) as client:
        for database, name in (("others", "trials"), ("admin", "system.users"), ("local", "oplog.rs")):
            assert code_of(lambda db: db.find_one(), client[database][name]) == UNAUTHORIZED


def code_of(operation: Operation, target: Any) -> int | None:
    """Return the code of MongoDB's error; None for success."""
    try:
        operation(target)
    except OperationFailure as error:
        return error.code
    return None


def test_a_refusal_names_the_action_the_collection_and_the_role(site: Site) -> None:
    store = site.store(WORKER)
    with pytest.raises(StorePermissionError) as caught:
        store.insert([replace(store.trial("kept", 0), tid=7)])
    store.close()
    text = str(caught.value)
    assert f"the action insert on trials of the database {site.name}" in text
    assert "needs the role hpsearch_coordinator" in text
    assert "kept" not in text  # nothing of the refused document


def test_repeating_the_setup_restores_what_was_changed(site: Site, mongo_uri: str) -> None:
    """A right that was added to a role is removed."""
    head, _, options = mongo_uri.partition("?")
    with Setup(f"{head.rpartition('/')[0]}/{site.name}?{options}", PATIENCE) as setup:
        assert [setup.prepare(name) for name in COLLECTIONS_AND_VIEWS] == [[]] * len(COLLECTIONS_AND_VIEWS)
        assert [setup.define(role) for role in ROLES] == ["there"] * len(ROLES)
        site.administrator.command("updateRole", VIEWER.name, privileges=privileges(WORKER, site.name))
        assert setup.define(VIEWER) == "updated"
        assert setup.define(VIEWER) == "there"
