"""Where Hyperopt's users say their jobs are, as a MongoDB URI; pure.

Hyperopt has a form of its own, ``mongo://user:password@host:port/db/jobs``, in which user
and password stand as they are, and on the command line the short ``host:port/db``.
MongoDB's own forms are taken too, with or without a collection at the end of their path.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus

from hpsearch.errors import ConfigurationError
from hpsearch.store.mongo.uri import may_hold_password, shown_hosts

#: The collection unless an address names one.
JOBS = "jobs"

_SCHEMES = {"mongo": "mongodb", "mongo+ssl": "mongodb", "mongodb": "mongodb", "mongodb+srv": "mongodb+srv"}
_OTHER_SCHEMES = {"http", "https", "postgresql", "postgres", "mysql", "redis", "sqlite", "file", "ssh", "s3"}
_FORMS = "mongo://host:port/database/jobs, or mongodb://host/database"


@dataclass(frozen=True, slots=True)
class JobsAddress:
    """A collection of jobs."""

    uri: str  #: of the database, as MongoDB's drivers take it; may hold a password
    collection: str = JOBS  #: its name in that database


def jobs_address(text: str) -> JobsAddress:
    """Read an address in Hyperopt's form or in MongoDB's.

    Parameters
    ----------
    text : str
        ``host[:port]/db``, ``mongo://[user:password@]host[:port]/db[/collection][?authSource=db]``,
        ``mongo+ssl://`` likewise, or ``mongodb://`` and ``mongodb+srv://`` with any options, where
        the database may be left to who connects.

    Raises
    ------
    ConfigurationError
        If it is none of these, or asks for an SSH tunnel.
    """
    scheme, rest = text.split("://", 1) if "://" in text else ("mongo", text)
    if scheme == "mongo+ssh":
        raise ConfigurationError(
            "mongo+ssh:// is not supported: open the tunnel yourself, such as with "
            "`ssh -N -L 27018:localhost:27017 HOST`, and use mongo://localhost:27018/DATABASE/jobs."
        )
    if scheme not in _SCHEMES:
        # What was typed wrong may hold a password: only what is known to be a scheme is repeated.
        named = f"{scheme}://" if scheme in _OTHER_SCHEMES else "What was given"
        raise ConfigurationError(f"{named} is not an address of MongoDB; write {_FORMS}.")
    is_own_form = not scheme.startswith("mongodb")
    if is_own_form:
        # From the last "@": in this form a password holds "@", "?" and "/" as they are.
        credentials, at, rest = rest.rpartition("@")
        place, _, options = rest.partition("?")
    else:
        place, _, options = rest.partition("?")
        credentials, at, place = place.rpartition("@")
    if (found := _parts(place, needs_database=is_own_form)) is None:
        # After an "@", or the name of a secret, what stands there may be a part of a password.
        whole = text if "://" in text else f"mongo://{text}"
        hosts = None if may_hold_password(whole) else shown_hosts(place)
        named = "An empty text" if not text else hosts or "What was given"
        raise ConfigurationError(f"{named} is not an address of a database in MongoDB; write {_FORMS}.")
    hosts, database, collection = found
    if is_own_form:
        credentials = _encoded(credentials) if at else ""
        options = "&".join(part for part in (options, "tls=true" if scheme == "mongo+ssl" else "") if part)
    tail = f"?{options}" if options else ""
    return JobsAddress(f"{_SCHEMES[scheme]}://{credentials}{at}{hosts}/{database}{tail}", collection)


def _parts(place: str, *, needs_database: bool) -> tuple[str, str, str] | None:
    """Return the hosts, the database and the collection that an address names after its credentials."""
    match place.rstrip("/").split("/"):
        case [hosts] if hosts and not needs_database:
            return hosts, "", JOBS
        case [hosts, database] if hosts and database:
            return hosts, database, JOBS
        case [hosts, database, collection] if hosts and database and collection:
            return hosts, database, collection
    return None


def _encoded(credentials: str) -> str:
    """Return plain credentials as MongoDB's URIs need them."""
    user, colon, password = credentials.partition(":")
    if not colon:
        raise ConfigurationError(
            "The address of MongoDB names a user without a password; "
            "write user:password@host (the file ~/.hyperopt is not read)."
        )
    try:
        return f"{quote_plus(user)}:{quote_plus(password)}"
    except UnicodeEncodeError:
        raise ConfigurationError(
            "The user or the password in the address of MongoDB has a character that UTF-8 cannot express."
        ) from None
