"""The contact of a process with a real MongoDB."""

from __future__ import annotations

import threading
import time

import pytest

from hpsearch.errors import NotFoundError
from hpsearch.runtime.health.watchdog import STALL_S, Watchdog
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore


def test_every_database_response_is_a_step_of_the_calling_thread(mongo_uri: str, database: str) -> None:
    """An attachment of gigabytes takes minutes to write, in many calls, without a stall."""
    now = [0.0]
    watchdog = Watchdog(lambda: now[0])
    store = MongoStore.connect(mongo_uri, database=database, patience=Patience(120), on_contact=watchdog.beat)
    begun, over = threading.Event(), threading.Event()

    def hang() -> None:
        with watchdog.loop("hangs"):
            begun.set()
            over.wait(60)

    hanging = threading.Thread(target=hang)
    hanging.start()
    assert begun.wait(60)
    with watchdog.loop("asks"):
        now[0] = STALL_S + 1
        store.now()
        assert set(watchdog.stalled()) == {"hangs"}
        now[0] = 2 * (STALL_S + 1)
        with pytest.raises(NotFoundError):  # which is a response, too
            store.experiment("none")
        assert set(watchdog.stalled()) == {"hangs"}
    over.set()
    hanging.join()
    store.close()


def test_each_response_resets_the_age_of_the_contact(mongo_uri: str, database: str) -> None:
    store = MongoStore.connect(mongo_uri, database=database, patience=Patience(120))
    while store.contact().age_s < 0.05:
        pass  # time passes without a call
    asked_at = time.monotonic()
    store.now()
    contact = store.contact()
    assert time.monotonic() - contact.age_s >= asked_at
    assert contact.n_reconnects == 0
    store.close()
