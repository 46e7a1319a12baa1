"""The error of hpsearch for each error of the MongoDB driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import errors as bson_errors
from pymongo import errors as mongo_errors

from hpsearch.errors import (
    ConfigurationError,
    HpsearchError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    TooLargeError,
)
from hpsearch.store.mongo.roles import refusal_advice

#: Our error class for each of the driver's; a subclass that is not listed counts as its parent.
MEANINGS: Mapping[type[Exception], type[HpsearchError]] = {
    mongo_errors.PyMongoError: StoreError,
    mongo_errors.ProtocolError: StoreUnavailableError,
    mongo_errors.ConnectionFailure: StoreUnavailableError,
    mongo_errors.WaitQueueTimeoutError: StoreUnavailableError,
    mongo_errors.AutoReconnect: StoreUnavailableError,
    mongo_errors.NetworkTimeout: StoreUnavailableError,
    mongo_errors.NotPrimaryError: StoreUnavailableError,
    mongo_errors.ServerSelectionTimeoutError: StoreUnavailableError,
    mongo_errors.ExecutionTimeout: StoreUnavailableError,
    mongo_errors.CursorNotFound: StoreUnavailableError,
    # The write may not be on a majority yet; all our writes can be repeated.
    mongo_errors.WriteConcernError: StoreUnavailableError,
    mongo_errors.WTimeoutError: StoreUnavailableError,
    mongo_errors.ConfigurationError: ConfigurationError,
    mongo_errors.InvalidURI: ConfigurationError,
    mongo_errors.InvalidName: ConfigurationError,
    mongo_errors.OperationFailure: StoreError,
    mongo_errors.WriteError: StoreError,
    mongo_errors.DuplicateKeyError: StoreError,
    mongo_errors.BulkWriteError: StoreError,
    mongo_errors.ClientBulkWriteException: StoreError,
    mongo_errors.InvalidOperation: StoreError,
    mongo_errors.CollectionInvalid: StoreError,
    mongo_errors.DocumentTooLarge: TooLargeError,
    mongo_errors.EncryptionError: StoreError,
    mongo_errors.EncryptedCollectionError: StoreError,
    bson_errors.BSONError: StoreError,
    bson_errors.InvalidBSON: StoreError,
    bson_errors.InvalidStringData: StoreError,
    bson_errors.InvalidDocument: StoreError,
    bson_errors.InvalidId: StoreError,
    UnicodeError: StoreError,  # from a name that is not valid UTF-8
}

#: The errors that a call to the driver can raise.
DRIVER_ERRORS = (mongo_errors.PyMongoError, bson_errors.BSONError, UnicodeError)

# Codes of the server's errors, with MongoDB's names where they have one.
UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18
ALREADY_INITIALIZED = 23
NAMESPACE_NOT_FOUND = 26
NAMESPACE_EXISTS = 48
NOT_YET_INITIALIZED = 94
DUPLICATE_KEY = 11000
NO_REPLICA_SET = 40573
USER_EXISTS = 51003
#: A call took longer than its ``maxTimeMS``.
TOO_SLOW = 50

_NO_SUCH_USER, _ATLAS_ERROR = 11, 8000
_PERMISSION_CODES = {_NO_SUCH_USER, UNAUTHORIZED, AUTHENTICATION_FAILED, _ATLAS_ERROR}
_TOO_LARGE_CODES = {10334, 17280, 17419, 17420, 17421}
_INVALID_DOCUMENT = 121
#: Write concerns that the replica set can never satisfy.
_IMPOSSIBLE_CODES = {79, 100}
#: A server that starts, stops, steps down, or took too long: the codes that the driver's specification
#: calls retryable, those of interrupted commands, and those of temporary shortages (LockTimeout 24,
#: WriteConflict 112, QueryPlanKilled 175, TemporarilyUnavailable 365, TransactionTooLargeForCache 388: a busy
#: server with a small cache refuses a document of several megabytes). A member that has just started may lack
#: the key with which the others sign times (KeyNotFound 211). While one process builds an index, another
#: cannot change the validator (12586, 12587).
_AWAY_CODES = {
    6, 7, 24, 50, 64, 89, 91, 112, 134, 175, 189, 202, 211, 237, 262, 358, 365, 384, 388, 9001, 10107, 11600,
    11601, 11602, 12586, 12587, 13435, 13436,
}  # fmt: skip
_RETRYABLE = ("RetryableWriteError", "TransientTransactionError")


def meaning(error: Exception) -> type[HpsearchError]:
    """Return our error class for an error of the driver.

    ``StoreUnavailableError`` means that the same call may succeed a moment later.
    """
    if isinstance(error, mongo_errors.PyMongoError) and _is_away(error):
        return StoreUnavailableError
    code = code_of(error)
    if code in _IMPOSSIBLE_CODES:
        return StoreError
    if code in _PERMISSION_CODES:
        return StorePermissionError
    if code in _TOO_LARGE_CODES:
        return TooLargeError
    return next(MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS)


def translated(error: Exception, hosts: str) -> HpsearchError:
    """Return our error for an error of the driver, without credentials in its text.

    Parameters
    ----------
    error : Exception
        One of ``DRIVER_ERRORS``.
    hosts : str
        Hosts of the server, for the text.
    """
    kind = meaning(error)
    if kind is StoreUnavailableError:
        return kind(f"MongoDB at {hosts} cannot be reached, or does not answer in time: {cause(error)}.")
    if kind is StorePermissionError:
        advice = refusal_advice(str(error))
        if advice is not None:
            return kind(f"MongoDB at {hosts} refuses this user {advice}.")
        return kind(
            f"MongoDB at {hosts} refuses this user: {cause(error)}; "
            "check the name, the password, authSource and the roles."
        )
    if kind is TooLargeError:
        return kind("A document is larger than the 16 MB that MongoDB can hold; store less in it.")
    if kind is ConfigurationError:
        return kind(f"The connection to MongoDB at {hosts} is not set up correctly: {cause(error)}.")
    if code_of(error) == _INVALID_DOCUMENT:
        return kind(
            f"MongoDB at {hosts} refused a document that violates hpsearch's schema: {_details(error)}."
        )
    return kind(f"MongoDB at {hosts} refused or failed: {cause(error)}.")


def cause(error: Exception) -> str:
    """Return the driver's message without the configuration that it appends."""
    first = _first_write_error(error)
    text = str(error) if first is None else str(first.get("errmsg", error))
    for tail in (" (configured timeouts", ", full error:", ", Timeout:", ", Topology Description:"):
        text = text.split(tail, 1)[0]
    return text.strip().rstrip(".") or type(error).__name__


def _is_away(error: mongo_errors.PyMongoError) -> bool:
    if error.timeout or code_of(error) in _AWAY_CODES:
        return True
    return any(error.has_error_label(label) for label in _RETRYABLE)


def code_of(error: Exception) -> int | None:
    """Return the code of a server's error; None if the error is not the server's."""
    first = _first_write_error(error)
    if first is not None:
        return first.get("code")
    return error.code if isinstance(error, mongo_errors.OperationFailure) else None


def _first_write_error(error: Exception) -> dict[str, Any] | None:
    """Return the first error of a bulk write, whose own message has no details."""
    if not isinstance(error, mongo_errors.BulkWriteError):
        return None
    errors = error.details.get("writeErrors") or error.details.get("writeConcernErrors") or [{}]
    return dict(errors[0])


def _details(error: Exception) -> str:
    """Return which rule of a validator a document violates."""
    details = error.details if isinstance(error, mongo_errors.OperationFailure) else None
    broken = _first_write_error(error) or details or {}
    return str(broken.get("errInfo", {}).get("details", "no details"))[:500]
