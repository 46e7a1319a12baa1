"""Samples the database during the campaign: holders of trials, and new finished trials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pymongo.errors import PyMongoError

from tests.faults.evidence import Outage, Search
from tests.support.replica_set import Client

_EVERY_S = 1.0

#: Seconds without an answer that count as an outage.
_OUTAGE_S = 10.0

_FINAL = ("done", "failed", "cancelled")


class Sampler:
    """Samples the current searches every second, for as long as the database answers.

    Parameters
    ----------
    connect : callable
        Returns a client that reads only what cannot be rolled back.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._client = connect()
        self._database = self._client["hpsearch"]
        self._exp_keys: Sequence[str] = ()
        self.first_seen: dict[str, Mapping[str, Any]] = {}
        self.holds: set[tuple[str, int, str, str]] = set()
        self.outages: list[Outage] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def turn_to(self, exp_keys: Sequence[str]) -> None:
        """Sample these searches from now on."""
        self._exp_keys = exp_keys

    def read(self, exp_key: str, max_evals: int, max_attempts: int) -> Search:
        """Return what the database has of a search; raises ``PyMongoError``."""
        return Search(
            exp_key=exp_key,
            max_evals=max_evals,
            max_attempts=max_attempts,
            experiment=self._database["experiments"].find_one({"_id": exp_key}) or {},
            trials=list(self._database["trials"].find({"exp_key": exp_key}).sort("tid")),
        )

    def close(self) -> None:
        """Stop sampling."""
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        answered_at = time.monotonic()
        while not self._is_over.wait(_EVERY_S):
            with suppress(PyMongoError):
                for exp_key in self._exp_keys:
                    self._sample(exp_key)
                now = time.monotonic()
                if now - answered_at > _OUTAGE_S:
                    self.outages.append(Outage(since=answered_at, until=now))
                answered_at = now

    def _sample(self, exp_key: str) -> None:
        trials = self._database["trials"]
        fields = ["attempt", "owner", "worker.name"]
        for trial in trials.find({"exp_key": exp_key, "state": "running"}, fields):
            self.holds.add((trial["_id"], trial["attempt"], trial["owner"], trial["worker"]["name"]))
        seen = [name for name in self.first_seen if name.startswith(f"{exp_key}/")]
        wanted = {"exp_key": exp_key, "state": {"$in": _FINAL}, "_id": {"$nin": seen}}
        for trial in trials.find(wanted):
            self.first_seen[trial["_id"]] = trial
