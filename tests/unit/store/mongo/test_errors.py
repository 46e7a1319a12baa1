"""Every error of the driver is mapped to one of ours."""

from __future__ import annotations

import inspect
from typing import Any

import bson.errors
import pymongo.errors
import pytest
from pymongo.errors import BulkWriteError, OperationFailure, WriteError

from hpsearch.errors import (
    ConfigurationError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    TooLargeError,
)
from hpsearch.store.mongo.errors import MEANINGS, cause, meaning, translated

CLASSES = [
    kind
    for module in (pymongo.errors, bson.errors)
    for name, kind in vars(module).items()
    if inspect.isclass(kind)
    and issubclass(kind, (pymongo.errors.PyMongoError, bson.errors.BSONError))
    and not name.startswith("_")
]


class UnlistedError(pymongo.errors.AutoReconnect):
    """A class that counts as its parent."""


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_of_the_driver_is_mapped(kind: Any) -> None:
    assert kind in MEANINGS


def test_every_connection_error_means_unavailable() -> None:
    for kind in CLASSES:
        if issubclass(kind, pymongo.errors.ConnectionFailure):
            assert MEANINGS[kind] is StoreUnavailableError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationFailure("no", 13), StorePermissionError),
        (OperationFailure("no", 18), StorePermissionError),
        (OperationFailure("too big", 10334), TooLargeError),
        (OperationFailure("stepping down", 189), StoreUnavailableError),
        (OperationFailure("shutting down", 91), StoreUnavailableError),
        (OperationFailure("no keys found for HMAC", 211), StoreUnavailableError),
        (WriteError("transaction is too large for the cache", 388), StoreUnavailableError),
        (OperationFailure("an index build is currently running", 12587), StoreUnavailableError),
        (OperationFailure("label", 1, {"errorLabels": ["RetryableWriteError"]}), StoreUnavailableError),
        (OperationFailure("a mistake", 2), StoreError),
        (pymongo.errors.WTimeoutError("slow", 64), StoreUnavailableError),
        (pymongo.errors.WriteConcernError("not enough members", 100), StoreError),
        (BulkWriteError({"writeErrors": [{"code": 13, "errmsg": "no"}]}), StorePermissionError),
        (BulkWriteError({"writeConcernErrors": [{"code": 64, "errmsg": "slow"}]}), StoreUnavailableError),
        (UnlistedError("cancelled"), StoreUnavailableError),
        (pymongo.errors.InvalidURI("bad"), ConfigurationError),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), StoreError),
    ],
)
def test_codes_and_labels_refine_the_class(error: Any, expected: Any) -> None:
    assert meaning(error) is expected
    assert type(translated(error, "host:1")) is expected


def test_a_violated_rule_is_quoted_from_the_server() -> None:
    error = WriteError("failed", 121, {"errInfo": {"details": {"missing": ["tid"]}}})

    assert "missing" in str(translated(error, "host:1"))


def test_the_cause_leaves_out_the_drivers_settings() -> None:
    message = "host:1: [Errno 111] Connection refused"
    text = f"{message} (configured timeouts: a), Timeout: 2s, Topology Description: x"

    assert cause(pymongo.errors.ServerSelectionTimeoutError(text)) == message
    assert cause(BulkWriteError({"writeErrors": [{"code": 1, "errmsg": "bad luck."}]})) == "bad luck"
