"""Hyperopt's ``mongoexp``: searches whose trials workers evaluate, and MongoDB keeps."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    SONify,
    coarse_utcnow,
    spec_from_misc,
)
from hpsearch.hyperopt.engine.domain import Ctrl
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.exceptions import InvalidTrial
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
from hpsearch.hyperopt.mongo.worker_ctrl import WorkerCtrl as MongoCtrl
from hpsearch.hyperopt.utils import (
    fast_isin,
    get_most_recent_inds,
    json_call,
    json_lookup,
    temp_dir,
    working_dir,
)
from hpsearch.store.mongo.connection import client_of
from hpsearch.store.mongo.hyperopt_uri import jobs_address

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
    "connection_from_string",
    "connection_with_tunnel",
    "exec_import",
    "fast_isin",
    "get_most_recent_inds",
    "json_call",
    "main",
    "main_worker",
    "main_worker_helper",
    "number_of_jobs_in_db",
    "parse_url",
    "read_pw",
    "spec_from_misc",
    "temp_dir",
    "working_dir",
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


def main() -> NoReturn:
    """Refuse, as ``main_worker``."""
    raise _worker_is_a_command()


def number_of_jobs_in_db(options: Any) -> int:
    """Return the number of trials in the database that ``options.mongo`` names."""
    return len(MongoJobs.new_from_connection_str(as_mongo_str(options.mongo)))


def exec_import(cmd_module: str, cmd: str) -> Any:
    """Import a module, and return what a dotted name means then."""
    importlib.import_module(cmd_module)
    return json_lookup(cmd)


def connection_with_tunnel(
    dbname: str,
    host: str = "localhost",
    auth_dbname: str | None = None,
    port: int = 27017,
    ssh: bool = False,
    user: str | None = "hyperopt",
    pw: str | None = None,
) -> tuple[Any, None]:
    """Return a client of the driver, and None in place of a tunnel.

    Parameters
    ----------
    dbname : str
        The database.
    host, port
        Where the server is.
    auth_dbname : str, optional
        The database of the user: "admin" for the user "hyperopt", else ``dbname``.
    ssh : bool
        Refused: tunnels are opened with ``ssh -N -L``.
    user, pw : str, optional
        Credentials; without a password, the one in ``~/.hyperopt``.

    Raises
    ------
    ConfigurationError
        If a tunnel is asked for, or there is no password.
    """
    scheme = "mongo+ssh" if ssh else "mongo"
    credentials = f"{user}:{read_pw() if pw is None else pw}@" if user else ""
    source = auth_dbname or ("admin" if user == "hyperopt" else dbname)
    address = f"{scheme}://{credentials}{host}:{port}/{dbname}/jobs" + (
        f"?authSource={source}" if user else ""
    )
    return client_of(jobs_address(address).uri), None


def connection_from_string(s: str) -> tuple[Any, None, Any, Any]:
    """Return a client of the driver, None in place of a tunnel, the database and the collection.

    The collection is the one that the address names. Trials are in the collection ``trials``.
    """
    protocol, user, pw, host, port, database, collection, source = parse_url(s)
    client, tunnel = connection_with_tunnel(
        database, host or "localhost", source, port, protocol == "mongo+ssh", user, pw
    )
    return client, tunnel, client[database], client[database][collection]


def read_pw() -> str:
    """Return the password in the file ``~/.hyperopt``, its only line.

    Raises
    ------
    ConfigurationError
        If it cannot be read.
    """
    return _password_in(Path.home() / ".hyperopt")


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
