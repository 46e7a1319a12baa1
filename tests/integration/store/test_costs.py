"""The server's cost of each call does not depend on the number of finished trials."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from hpsearch.core.trial import Report, Result, State
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.testing import StoreDriver
from hpsearch.testing.contract.driver import WORKER
from tests.support.store_driver import mongo_driver

FEW, MANY = 60, 6_000

#: Calls by name, in an order in which each finds what it needs; made on both searches.
CALLS: dict[str, Callable[[StoreDriver], object]] = {
    "claim": lambda b: b.claim(),
    "renew": lambda b: b.store.renew(b.read(b.trial(0))),
    "report": lambda b: b.store.report(b.read(b.trial(0)), [Report(step=1, value=0.5)]),
    "finish": lambda b: b.store.finish(b.read(b.trial(0)), Result(loss=0.5)),
    "release": lambda b: b.store.release(b.read(b.trial(1)), "worker drained"),
    "expire": lambda b: b.store.expire("e"),
    "shortening leases": lambda b: b.store.shorten_leases("e"),
    "the coordinator's look": lambda b: b.store.finished("e", range(40)),
    "counting open trials": lambda b: b.store.counts("e", {State.PENDING, State.RUNNING}),
    "cancelling what waits": lambda b: b.store.cancel("e", {State.PENDING}),
    "the best trials": lambda b: list(b.store.trials("e", sort="loss", limit=5)),
    "claiming where the experiment in turn has none": lambda b: b.store.claim(
        WORKER, b.token(), ["none", "e"]
    ),
    "the newest trials": lambda b: list(b.store.trials("e", sort="newest", limit=5)),
    "inserting": lambda b: b.store.insert([b.trial(10**6)]),
    "a sign of life": lambda b: b.store.record_worker(WORKER, 60),
    "how many workers there are": lambda b: b.store.n_workers(),
    "leading": lambda b: b.store.lead("e", "me", 10),
}


class Profiled:
    """A store driver, with the cost of its calls as the server's profiler measures it."""

    def __init__(self, store: MongoStore, raw: Any) -> None:
        self.driver = mongo_driver(store, "e")
        self.raw = raw  #: its database, as the MongoDB driver's

    def fill(self, n_done: int) -> None:
        """Add ten running, nine pending and at least ``n_done`` done trials."""
        self.driver.store.open_experiment(self.driver.experiment())
        self.driver.insert(20)
        running = [self.driver.claim() for _ in range(11)]
        self.driver.store.finish(running[-1], Result(loss=0.0))
        done = self.raw.trials.find_one({"state": "done"})
        self.raw.trials.insert_many(
            {**done, "_id": f"e/{tid:06d}", "tid": tid, "loss": float(tid), "owner": str(tid)}
            for tid in range(20, 20 + n_done)
        )

    def examined(self, call: Callable[[StoreDriver], object]) -> tuple[int, int]:
        """Return the numbers of index keys and documents that the server examines for a call."""
        self.raw.command("profile", 2)
        call(self.driver)
        self.raw.command("profile", 0)
        seen = list(self.raw["system.profile"].find({"ns": {"$not": {"$regex": "profile"}}}))
        self.raw.drop_collection("system.profile")
        keys, documents = ([s.get(what, 0) for s in seen] for what in ("keysExamined", "docsExamined"))
        assert seen
        return sum(keys), sum(documents)


@pytest.fixture(scope="module")
def profiled_stores(mongo_uri: str) -> Iterator[list[Profiled]]:
    """One search with few finished trials and one with many."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        opened = []
        for n_done in (FEW, MANY):
            name = f"costs_{uuid.uuid4().hex[:8]}"
            store = MongoStore.connect(mongo_uri, database=name, patience=Patience(120))
            opened.append(Profiled(store, client[name]))
            opened[-1].fill(n_done)
        yield opened
        for store_driver in opened:
            store_driver.driver.store.close()
            client.drop_database(store_driver.raw)


@pytest.mark.parametrize("name", CALLS)
def test_the_cost_of_a_call_does_not_grow_with_the_finished_trials(
    name: str, profiled_stores: list[Profiled]
) -> None:
    few, many = (store_driver.examined(CALLS[name]) for store_driver in profiled_stores)
    assert many == few


def test_reading_points_examines_each_trial_once(profiled_stores: list[Profiled]) -> None:
    for store_driver, n_done in zip(profiled_stores, (FEW, MANY), strict=True):
        n_keys, n_documents = store_driver.examined(lambda b: list(b.store.points("e")))
        n_trials = store_driver.raw.trials.count_documents({})
        n_pages = 1 + n_trials // 1000
        assert n_documents == n_trials > n_done
        assert n_keys <= n_trials + n_pages


def test_a_summary_examines_index_keys_in_proportion_and_few_documents(
    profiled_stores: list[Profiled],
) -> None:
    (_, few), (many_keys, many) = (b.examined(lambda b: b.store.summaries(["e"])) for b in profiled_stores)
    assert many == few <= 1 + 1 + 50
    assert many_keys <= profiled_stores[1].raw.trials.count_documents({}) + 100


def test_the_summaries_of_a_hundred_experiments_take_one_query(profiled_stores: list[Profiled]) -> None:
    store_driver, asked = profiled_stores[0], []
    keys = [f"e{i}" for i in range(100)]
    store_driver.raw.command("profile", 2)
    store_driver.driver.store.summaries(keys)
    store_driver.raw.command("profile", 0)
    asked = list(
        store_driver.raw["system.profile"].find({"op": "command", "command.aggregate": {"$exists": True}})
    )
    store_driver.raw.drop_collection("system.profile")
    assert len(asked) == 1


def test_finding_searches_by_their_parameters_examines_only_those_it_returns(
    profiled_stores: list[Profiled],
) -> None:
    """Whatever the number of other experiments, and of older ones with these parameters."""
    store_driver = profiled_stores[0]
    template = store_driver.raw.experiments.find_one({"_id": "e"})
    store_driver.raw.experiments.insert_many(
        {**template, "_id": f"{label}{i}", "space": {"parameters": [{"label": label}, {"label": "common"}]}}
        for i in range(100)
        for label in ("mine", "other")
    )
    _, n_documents = store_driver.examined(lambda b: b.store.experiments_with(["mine", "common"], limit=5))
    store_driver.raw.experiments.delete_many({"_id": {"$ne": "e"}})
    assert n_documents <= 10
