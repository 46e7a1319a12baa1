"""Hyperopt's ``mongoexp``: searches whose trials workers evaluate, and MongoDB keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    SONify,
    coarse_utcnow,
    spec_from_misc,
)
from hpsearch.hyperopt.domain import Ctrl
from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.hyperopt.mongo.calling import WorkerCtrl as MongoCtrl
from hpsearch.hyperopt.mongo.exceptions import (
    DomainSwapError,
    InvalidMongoTrial,
    OperationFailure,
    ReserveTimeout,
    Shutdown,
    WaitQuit,
)
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.hyperopt.mongo.trials import MongoTrials
from hpsearch.hyperopt.trials import Trials

__all__ = [
    "JOB_STATES",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "Ctrl",
    "DomainSwapError",
    "InvalidMongoTrial",
    "InvalidTrial",
    "MongoCtrl",
    "MongoJobs",
    "MongoTrials",
    "MongoWorker",
    "OperationFailure",
    "ReserveTimeout",
    "SONify",
    "Shutdown",
    "Trials",
    "WaitQuit",
    "as_mongo_str",
    "coarse_utcnow",
    "main_worker",
    "main_worker_helper",
    "parse_url",
    "spec_from_misc",
]

_FORM = "mongo://[user[:password]@]host[:port]/database/collection[?authSource=database]"


class MongoWorker:
    """Refuses to be made.

    Raises
    ------
    ConfigurationError
        Always: workers are processes of their own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise _worker_is_a_command()


def main_worker() -> NoReturn:
    """Refuse: the worker is a command.

    Raises
    ------
    ConfigurationError
        Always.
    """
    raise _worker_is_a_command()


def main_worker_helper(options: Any, args: Any) -> NoReturn:
    """Refuse, as ``main_worker``."""
    raise _worker_is_a_command()


def as_mongo_str(s: str) -> str:
    """Return an address with ``mongo://`` before it, unless it is there."""
    return s if s.startswith("mongo://") else f"mongo://{s}"


def parse_url(
    url: str, pwfile: str | None = None
) -> tuple[str, str | None, str | None, str | None, int, str, str, str | None]:
    """Return the parts of an address in Hyperopt's form.

    Parameters
    ----------
    url : str
        ``mongo://[user[:password]@]host[:port]/database/collection[?authSource=database]``.
    pwfile : path, optional
        A file whose only line is the password of a user without one.

    Returns
    -------
    tuple
        Protocol, user, password, host, port (27017 unless given), database, collection, and
        the database of the user or None.

    Raises
    ------
    ConfigurationError
        If it is no such address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 27017
    except ValueError as error:  # a port that is no number, or a bracket too many
        raise ConfigurationError(f"That is no address of the form {_FORM}.") from error
    names = parts.path.strip("/").split("/")
    if not parts.scheme or len(names) != 2 or not all(names):
        raise ConfigurationError(f"That is no address of the form {_FORM}.")
    password = parts.password
    if password is None and parts.username is not None and pwfile:
        password = _password_in(Path(pwfile))
    sources = parse_qs(parts.query).get("authSource", [None])
    return (
        parts.scheme,
        parts.username,
        password,
        parts.hostname,
        port,
        names[0],
        names[1],
        sources[-1],
    )


def _password_in(path: Path) -> str:
    """Return the only line of a file."""
    try:
        return path.read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The password cannot be read from {path}: {error}.") from error


def _worker_is_a_command() -> ConfigurationError:
    return ConfigurationError(
        "A worker is not started from Python: run the command hpsearch-mongo-worker, which takes the "
        "options of hyperopt-mongo-worker, or hpsearch worker."
    )
