"""Hyperopt's ``mongoexp``: searches with MongoDB and workers."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.ctrl import Ctrl
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
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.engine.unsupported import (
    MongoWorker,
    OperationFailure,
    ReserveTimeout,
    Shutdown,
    WaitQuit,
)
from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.hyperopt.mongo.documents import InvalidMongoTrial
from hpsearch.hyperopt.mongo.experiment import DomainSwapError
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


main = main_worker = main_worker_helper = MongoWorker


def number_of_jobs_in_db(options: Any) -> int:
    """Return the number of trials in the database at ``options.mongo``."""
    return len(MongoJobs.new_from_connection_str(as_mongo_str(options.mongo)))


def exec_import(cmd_module: str, cmd: str) -> Any:
    """Import a module, then return the object of a dotted name.

    Parameters
    ----------
    cmd_module : str
        Module to import.
    cmd : str
        Dotted name of the object.
    """
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
    """Return a pymongo client, and None in place of an SSH tunnel.

    Parameters
    ----------
    dbname : str
        Name of the database.
    host : str
        Host of the server.
    auth_dbname : str, optional
        Database of the user; by default "admin" for the user "hyperopt", else ``dbname``.
    port : int
        Port of the server.
    ssh : bool
        Must be false; open a tunnel with ``ssh -N -L`` instead.
    user : str or None
        Name of the user; None for no authentication.
    pw : str, optional
        Password; by default the one in ``~/.hyperopt``.

    Raises
    ------
    ConfigurationError
        If ``ssh`` is true, or the password cannot be read.
    """
    scheme = "mongo+ssh" if ssh else "mongo"
    credentials = f"{user}:{read_pw() if pw is None else pw}@" if user else ""
    source = auth_dbname or ("admin" if user == "hyperopt" else dbname)
    address = f"{scheme}://{credentials}{host}:{port}/{dbname}/jobs" + (
        f"?authSource={source}" if user else ""
    )
    return client_of(jobs_address(address).uri), None


def connection_from_string(s: str) -> tuple[Any, None, Any, Any]:
    """Return a pymongo client, None in place of an SSH tunnel, the database and the collection.

    The collection is that of the address; hpsearch keeps trials in ``trials``.
    """
    protocol, user, pw, host, port, database, collection, source = parse_url(s)
    client, tunnel = connection_with_tunnel(
        database, host or "localhost", source, port, protocol == "mongo+ssh", user, pw
    )
    return client, tunnel, client[database], client[database][collection]


def read_pw() -> str:
    """Return the password in ``~/.hyperopt``, a file of one line.

    Raises
    ------
    ConfigurationError
        If the file cannot be read.
    """
    return _password_in(Path.home() / ".hyperopt")


def as_mongo_str(s: str) -> str:
    """Return an address with the prefix ``mongo://``."""
    return s if s.startswith("mongo://") else f"mongo://{s}"


def parse_url(
    url: str, pwfile: str | None = None
) -> tuple[str, str | None, str | None, str | None, int, str, str, str | None]:
    """Split an address of Hyperopt's form into its parts.

    Parameters
    ----------
    url : str
        ``mongo://[user[:password]@]host[:port]/database/collection[?authSource=database]``.
    pwfile : path, optional
        File with the password, one line, for an address with a user but no password.

    Returns
    -------
    tuple
        Protocol, user, password, host, port (default 27017), database, collection, and the
        user's database or None.

    Raises
    ------
    ConfigurationError
        If the address has another form.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 27017
    except ValueError as error:  # an invalid port or unbalanced brackets
        raise ConfigurationError(f"The address does not have the form {_FORM}.") from error
    names = parts.path.strip("/").split("/")
    if not parts.scheme or len(names) != 2 or not all(names):
        raise ConfigurationError(f"The address does not have the form {_FORM}.")
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
    """Return the content of a file without the line end."""
    try:
        return path.read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The password cannot be read from {path}: {error}.") from error
