"""Read-only views of the collections, for people in the Mongo shell; hpsearch itself reads none of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hpsearch.core.trial import State
from hpsearch.store.mongo.schema import EXPERIMENTS, TRIALS, WORKERS


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view of MongoDB: a stored aggregation of a collection."""

    source: str  #: the collection
    pipeline: list[dict[str, Any]]  #: its last stage names the fields that a reader sees


#: Done trials that count and keep their limits, if any. NaN sorts below every number.
_RANKED = {
    "state": State.DONE.value,
    "invalid": None,
    "loss": {"$gte": -math.inf},
    "feasible": {"$ne": False},
}

#: The keys of the index "best".
_BEST_FIRST = {"exp_key": 1, "loss": 1, "tid": 1}

#: Running trials; the condition on the owner lets MongoDB use the index "claim".
_RUNNING = {"state": State.RUNNING.value, "owner": {"$type": "string"}}


def _seconds_since(field: str) -> dict[str, Any]:
    return {"$round": [{"$divide": [{"$subtract": ["$$NOW", field]}, 1000]}, 1]}


def _trials_of(pipeline: list[dict[str, Any]], *, by: str, into: str) -> dict[str, Any]:
    """Return the stage that joins the trials in which a field equals ``_id``."""
    join = {"from": TRIALS, "localField": "_id", "foreignField": by, "pipeline": pipeline, "as": into}
    return {"$lookup": join}


_SEARCHES = View(
    source=EXPERIMENTS,
    pipeline=[
        _trials_of([{"$group": {"_id": "$state", "n": {"$sum": 1}}}], by="exp_key", into="counts"),
        _trials_of(
            [
                {"$match": _RANKED},
                {"$sort": _BEST_FIRST},
                {"$limit": 1},
                {"$project": {"_id": 0, "trial": "$tid", "loss": 1, "params": 1}},
            ],
            by="exp_key",
            into="best",
        ),
        {
            "$project": {
                "_id": 0,
                "search": "$_id",
                "state": "$state",
                "ended_why": "$ended_why",
                "trials": {
                    "$mergeObjects": [
                        {state.value: 0 for state in State},
                        {
                            "$arrayToObject": {
                                "$map": {"input": "$counts", "in": {"k": "$$this._id", "v": "$$this.n"}}
                            }
                        },
                    ]
                },
                "best": {"$first": "$best"},
                "has_coordinator": {"$gt": ["$coordinator.lease_until", "$$NOW"]},
                "goal": "$goal",
                "budget": "$budget",
                "algorithm": "$algorithm.name",
                "objective": "$objective.ref",
                "created_at": "$created_at",
            }
        },
    ],
)

_BEST = View(
    source=TRIALS,
    pipeline=[
        {"$match": _RANKED},
        {"$sort": _BEST_FIRST},
        {
            "$project": {
                "_id": 0,
                "search": "$exp_key",
                "trial": "$tid",
                "loss": "$loss",
                "params": "$params",
                "result": "$result",
                "origin": "$origin",
                "worker": "$worker.name",
                "duration_s": "$duration_s",
                "finished_at": "$finished_at",
            }
        },
    ],
)

_FAILURES = View(
    source=TRIALS,
    pipeline=[
        {"$match": {"state": State.FAILED.value}},
        {
            "$project": {
                "_id": 0,
                "search": "$exp_key",
                "trial": "$tid",
                "kind": "$error.kind",
                "type": "$error.type",
                "message": "$error.message",
                "params": "$params",
                "worker": "$worker.name",
                "host": "$worker.host",
                "attempt": "$attempt",
                "finished_at": "$finished_at",
            }
        },
    ],
)

_IN_PROGRESS = View(
    source=TRIALS,
    pipeline=[
        {"$match": _RUNNING},
        {
            "$project": {
                "_id": 0,
                "search": "$exp_key",
                "trial": "$tid",
                "params": "$params",
                "worker": "$worker.name",
                "host": "$worker.host",
                "attempt": "$attempt",
                "running_s": _seconds_since("$claimed_at"),
                "heartbeat_age_s": _seconds_since("$heartbeat_at"),
                "last_report": {"$last": "$reports"},
            }
        },
    ],
)

_FLEET = View(
    source=WORKERS,
    pipeline=[
        {"$match": {"$expr": {"$gt": ["$expire_at", "$$NOW"]}}},
        _trials_of([{"$match": _RUNNING}, {"$project": {"_id": 1}}], by="worker.name", into="trials"),
        {
            "$project": {
                "_id": 0,
                "worker": "$_id",
                "host": "$host",
                "pid": "$pid",
                "state": "$state",
                "searches": "$exp_keys",
                "running": "$trials._id",
                "n_done": "$n_done",
                "n_failed": "$n_failed",
                "seen_age_s": _seconds_since("$seen_at"),
                "started_at": "$started_at",
            }
        },
    ],
)

#: By name. A last stage that only renames fields keeps their order, and does not cost the indexes.
VIEWS: dict[str, View] = {
    "searches": _SEARCHES,
    "best": _BEST,
    "failures": _FAILURES,
    "in_progress": _IN_PROGRESS,
    "fleet": _FLEET,
}
