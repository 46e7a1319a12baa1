"""Collections of the database, with their validators and indexes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.core.worker import WorkerState
from hpsearch.store.mongo.gridfs import DROPPED, STORED, UPLOADING

EXPERIMENTS, TRIALS, WORKERS = "experiments", "trials", "workers"

#: The two collections of the GridFS bucket "attachments".
FILES, CHUNKS = "attachments.files", "attachments.chunks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index of a collection."""

    name: str  #: as in mongosh and ``explain``
    keys: tuple[tuple[str, int], ...]  #: field and direction, 1 or -1
    options: dict[str, Any] = field(default_factory=dict)  #: of the command ``createIndexes``


#: Indexes by collection. None holds a lease or a heartbeat, so that renewals update no index.
INDEXES: dict[str, tuple[Index, ...]] = {
    EXPERIMENTS: (
        # Searches of the same parameters, the newest first.
        Index(name="labels", keys=(("space.parameters.label", 1), ("created_at", -1), ("_id", -1))),
    ),
    TRIALS: (
        # The next trial to claim, the running ones to expire, and the counts by state.
        Index(name="queue", keys=(("exp_key", 1), ("state", 1), ("priority", -1), ("tid", 1))),
        # Reading by number, polling for finished trials, and unique numbers.
        Index(name="number", keys=(("exp_key", 1), ("tid", 1)), options={"unique": True}),
        # The best losses, the oldest first among equals.
        Index(
            name="best",
            keys=(("exp_key", 1), ("loss", 1), ("tid", 1)),
            options={"partialFilterExpression": {"state": State.DONE.value}},
        ),
        # The trials that a user marked as invalid, by state.
        Index(
            name="invalid",
            keys=(("exp_key", 1), ("state", 1)),
            options={"partialFilterExpression": {"invalid.at": {"$exists": True}}},
        ),
        # One running trial per token, so that repeating a claim cannot take a second trial.
        Index(
            name="claim",
            keys=(("owner", 1),),
            options={"unique": True, "partialFilterExpression": {"state": State.RUNNING.value}},
        ),
    ),
    WORKERS: (Index(name="expire", keys=(("expire_at", 1),), options={"expireAfterSeconds": 0}),),
    FILES: (
        # The attachments of a trial or an experiment, the latest version of a name first.
        Index(
            name="place",
            keys=(
                ("metadata.exp_key", 1),
                ("metadata.tid", 1),
                ("metadata.name", 1),
                ("metadata.version", -1),
            ),
        ),
        # GridFS tools expect this index and the one on chunks.
        Index(name="filename", keys=(("filename", 1), ("uploadDate", 1))),
    ),
    CHUNKS: (Index(name="content", keys=(("files_id", 1), ("n", 1)), options={"unique": True}),),
}

_INTEGER = {"bsonType": ["int", "long"]}
_COUNT = {**_INTEGER, "minimum": 0}
_NUMBER = {"bsonType": "number"}
_TEXT = {"bsonType": "string"}
_TEXT_OR_NULL = {"bsonType": ["string", "null"]}
_OBJECT = {"bsonType": "object"}
_DATE = {"bsonType": "date"}
_DATE_OR_NULL = {"bsonType": ["date", "null"]}


def _one_of(values: type[State] | type[ExperimentState] | type[WorkerState]) -> dict[str, Any]:
    return {"enum": [value.value for value in values]}


#: Unknown fields are allowed, so that a fleet can be upgraded one machine at a time.
_TRIAL_SCHEMA = {
    "bsonType": "object",
    "required": [
        "exp_key", "tid", "state", "priority", "params", "values",
        "attempt", "max_attempts", "lease_s", "created_at",
    ],
    "properties": {
        "_id": _TEXT,
        "schema": {**_INTEGER, "minimum": 1},
        "exp_key": _TEXT,
        "exp_created_at": _DATE,
        "objective": _TEXT,
        "tid": _COUNT,
        "state": _one_of(State),
        "priority": _INTEGER,
        "params": _OBJECT,
        "values": _OBJECT,
        "origin": _TEXT,
        "attempt": _COUNT,
        "max_attempts": {**_INTEGER, "minimum": 1},
        "lease_s": {**_NUMBER, "minimum": 0},
        "owner": _TEXT_OR_NULL,
        "worker": {"bsonType": "object", "required": ["name", "host", "pid"]},
        "created_at": _DATE,
        "claimed_at": _DATE,
        "heartbeat_at": _DATE,
        "lease_until": _DATE,
        "finished_at": _DATE,
        "duration_s": _NUMBER,
        "losses": _OBJECT,
        "feasible": {"bsonType": "bool"},
        "violation": {**_NUMBER, "minimum": 0},
        "violations": _OBJECT,
        "result": _OBJECT,
        "reports": {"bsonType": "array", "items": {"bsonType": "object", "required": ["step", "value"]}},
        "error": {"bsonType": "object", "required": ["kind", "message"]},
        "pruned": _TEXT,
        "rungs": {"bsonType": "array", "items": {"bsonType": "object", "required": ["k", "step", "value"]}},
        "verdict": {"bsonType": "object", "required": ["is_stop", "reason"]},
        "checkpoint": {
            "bsonType": "object",
            "required": ["step", "attempt", "at"],
            "properties": {"step": _NUMBER, "attempt": _COUNT, "at": _DATE, "file": _TEXT, "path": _TEXT},
        },
        "history": {"bsonType": "array", "items": {"bsonType": "object", "required": ["attempt", "why"]}},
        "note": _TEXT,
        "tags": {"bsonType": "array", "items": _TEXT},
        "invalid": {
            "bsonType": "object",
            "required": ["at", "why"],
            "properties": {"at": _DATE, "why": _TEXT},
        },
    },
}  # fmt: skip


def _is_loss(value: str) -> dict[str, Any]:
    return {"$and": [{"$isNumber": value}, {"$gte": [value, -math.inf]}]}


_HAS_LOSSES = {
    "$and": [
        {"$eq": [{"$type": "$losses"}, "object"]},
        {
            "$allElementsTrue": {
                "$map": {
                    "input": {"$objectToArray": {"$ifNull": ["$losses", {}]}},
                    "in": _is_loss("$$this.v"),
                }
            }
        },
    ]
}

#: Rules that a JSON schema cannot express: fields that depend on the state.
_TRIAL_RULES = [
    # A trial has a loss, or several, exactly if it is done. NaN sorts below every number, and is refused.
    {"$eq": [{"$eq": ["$state", State.DONE.value]}, {"$or": [_is_loss("$loss"), _HAS_LOSSES]}]},
    # A trial has a lease exactly if it is running; it may keep its token after that.
    {"$eq": [{"$eq": ["$state", State.RUNNING.value]}, {"$eq": [{"$type": "$lease_until"}, "date"]}]},
    {"$or": [{"$ne": ["$state", State.RUNNING.value]}, {"$eq": [{"$type": "$owner"}, "string"]}]},
]

_EXPERIMENT_SCHEMA = {
    "bsonType": "object",
    "required": [
        "schema",
        "state",
        "space",
        "space_fingerprint",
        "objective",
        "algorithm",
        "seed",
        "created_at",
    ],
    "properties": {
        "_id": _TEXT,
        "schema": {**_INTEGER, "minimum": 1},
        "state": _one_of(ExperimentState),
        "ended_why": _TEXT_OR_NULL,
        "space": _OBJECT,
        "space_fingerprint": _TEXT,
        "objective": {"bsonType": "object", "required": ["kind", "ref"]},
        "goal": _OBJECT,
        "outcomes": {
            "bsonType": "object",
            "properties": {
                "objectives": {"bsonType": "array", "items": _TEXT},
                "limits": {"bsonType": "array", "items": _TEXT},
            },
        },
        "algorithm": {"bsonType": "object", "required": ["name", "options"]},
        "objective_changes": {
            "bsonType": "array",
            "items": {"bsonType": "object", "required": ["at", "after"]},
        },
        "seed": _INTEGER,
        "lag": _COUNT,
        "warm_start": {
            "bsonType": "object",
            "required": ["sources", "points"],
            "properties": {
                "sources": {
                    "bsonType": "array",
                    "items": {"bsonType": "object", "required": ["exp_key", "n_trials"]},
                },
                "points": {
                    "bsonType": "array",
                    "items": {"bsonType": "object", "required": ["exp_key", "tid", "values"]},
                },
            },
        },
        "note": _TEXT,
        "tags": {"bsonType": "array", "items": _TEXT},
        "budget": _OBJECT,
        "defaults": _OBJECT,
        "pruner": {"bsonType": "object", "required": ["name", "mode"]},
        "policy": _OBJECT,
        "priority": _COUNT,
        "revision": _COUNT,
        "created_at": _DATE,
        "started_at": _DATE,
        "elapsed": {
            "bsonType": "object",
            "required": ["seconds"],
            "properties": {"seconds": {**_NUMBER, "minimum": 0}, "since": _DATE},
        },
        "coordinator": {
            "bsonType": "object",
            "required": ["owner", "epoch"],
            "properties": {
                "owner": _TEXT_OR_NULL,
                "epoch": _COUNT,
                "lease_until": _DATE_OR_NULL,
                "lease_s": {**_NUMBER, "minimum": 0},
            },
        },
    },
}

_WORKER_SCHEMA = {
    "bsonType": "object",
    "required": ["host", "pid", "state", "exp_keys", "seen_at", "expire_at"],
    "properties": {
        "_id": _TEXT,
        "host": _TEXT,
        "pid": _COUNT,
        "slots": _COUNT,
        "exp_keys": {"bsonType": "array", "items": _TEXT},
        "state": _one_of(WorkerState),
        "n_done": _COUNT,
        "n_failed": _COUNT,
        "started_at": _DATE,
        "seen_at": _DATE,
        "expire_at": _DATE,
    },
}

_FILE_SCHEMA = {
    "bsonType": "object",
    "required": ["filename", "length", "chunkSize", "uploadDate", "metadata"],
    "properties": {
        "filename": _TEXT,
        "length": _COUNT,
        "chunkSize": _COUNT,
        "uploadDate": _DATE,
        "metadata": {
            "bsonType": "object",
            "required": ["exp_key", "tid", "name", "attempt", "version", "state"],
            "properties": {
                "exp_key": _TEXT,
                "tid": {"bsonType": ["int", "long", "null"]},
                "name": _TEXT,
                "attempt": _COUNT,
                "version": _COUNT,
                "state": {"enum": [UPLOADING, STORED, DROPPED]},
            },
        },
    },
}

_CHUNK_SCHEMA = {
    "bsonType": "object",
    "required": ["files_id", "n", "data"],
    "properties": {"files_id": {}, "n": _COUNT, "data": {"bsonType": "binData"}},
}

VALIDATORS: dict[str, dict[str, Any]] = {
    EXPERIMENTS: {"$jsonSchema": _EXPERIMENT_SCHEMA},
    TRIALS: {"$jsonSchema": _TRIAL_SCHEMA, "$expr": {"$and": _TRIAL_RULES}},
    WORKERS: {"$jsonSchema": _WORKER_SCHEMA},
    FILES: {"$jsonSchema": _FILE_SCHEMA},
    CHUNKS: {"$jsonSchema": _CHUNK_SCHEMA},
}
