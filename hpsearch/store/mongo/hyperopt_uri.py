"""Converting addresses of Hyperopt's job collections to MongoDB URIs.

Hyperopt uses ``mongo://user:password@host:port/db/jobs``, in which user and password are not
encoded, and on the command line the short form ``host:port/db``. MongoDB's URIs are accepted
too, with or without a collection at the end of the path.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus

from hpsearch.errors import ConfigurationError
from hpsearch.store.mongo.uri import may_hold_password, shown_hosts

#: Name of the collection if the address has none.
JOBS = "jobs"

_SCHEMES = {"mongo": "mongodb", "mongo+ssl": "mongodb", "mongodb": "mongodb", "mongodb+srv": "mongodb+srv"}
_FORMS = "mongo://host:port/database/jobs, or mongodb://host/database"


@dataclass(frozen=True, slots=True)
class JobsAddress:
    """A collection of jobs."""

    uri: str  #: MongoDB URI of the database; may contain a password
    collection: str = JOBS  #: name in that database


def jobs_address(text: str) -> JobsAddress:
    """Convert an address in Hyperopt's or MongoDB's form.

    Parameters
    ----------
    text : str
        ``host[:port]/db``, ``mongo://[user:password@]host[:port]/db[/collection][?authSource=db]``,
        the same with ``mongo+ssl://``, or ``mongodb://`` and ``mongodb+srv://`` with any options, where
        the database is optional.

    Raises
    ------
    ConfigurationError
        If it has none of these forms, or requires an SSH tunnel.
    """
    scheme, rest = text.split("://", 1) if "://" in text else ("mongo", text)
    if scheme == "mongo+ssh":
        raise ConfigurationError(
            "mongo+ssh:// is not supported: open the tunnel yourself, for example with "
            "`ssh -N -L 27018:localhost:27017 HOST`, and use mongo://localhost:27018/DATABASE/jobs."
        )
    if scheme not in _SCHEMES:
        # A mistyped address may contain a password, so it is not quoted.
        raise ConfigurationError(f"This is not an address of MongoDB; write {_FORMS}.")
    is_hyperopt_form = not scheme.startswith("mongodb")
    if is_hyperopt_form:
        # Split at the last "@": in this form a password may contain "@", "?" and "/".
        credentials, at, rest = rest.rpartition("@")
        place, _, options = rest.partition("?")
    else:
        place, _, options = rest.partition("?")
        credentials, at, place = place.rpartition("@")
    if (found := _parts(place, needs_database=is_hyperopt_form)) is None:
        whole = text if "://" in text else f"mongo://{text}"
        hosts = None if may_hold_password(whole) else shown_hosts(place)
        raise ConfigurationError(f"{hosts or 'This'} is not an address of a database; write {_FORMS}.")
    hosts, database, collection = found
    if is_hyperopt_form:
        credentials = _encoded(credentials) if at else ""
        options = "&".join(part for part in (options, "tls=true" if scheme == "mongo+ssl" else "") if part)
    tail = f"?{options}" if options else ""
    return JobsAddress(f"{_SCHEMES[scheme]}://{credentials}{at}{hosts}/{database}{tail}", collection)


def _parts(place: str, *, needs_database: bool) -> tuple[str, str, str] | None:
    """Return the hosts, the database and the collection of an address without credentials."""
    match place.rstrip("/").split("/"):
        case [hosts] if hosts and not needs_database:
            return hosts, "", JOBS
        case [hosts, database] if hosts and database:
            return hosts, database, JOBS
        case [hosts, database, collection] if hosts and database and collection:
            return hosts, database, collection
    return None


def _encoded(credentials: str) -> str:
    """Return credentials, encoded for a MongoDB URI."""
    user, colon, password = credentials.partition(":")
    if not colon:
        raise ConfigurationError(
            "The address of MongoDB has a user without a password; "
            "write user:password@host (the file ~/.hyperopt is not read)."
        )
    try:
        return f"{quote_plus(user)}:{quote_plus(password)}"
    except UnicodeEncodeError:
        raise ConfigurationError(
            "The user or the password in the address of MongoDB has a character that is not valid UTF-8."
        ) from None
