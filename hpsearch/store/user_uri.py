"""The URI under which another user, or one without a name, reaches the same database; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

#: Options that belong to the user who wrote the URI.
_PERSONAL = {
    "authsource",
    "authmechanism",
    "authmechanismproperties",
    "tlscertificatekeyfile",
    "tlscertificatekeyfilepassword",
}

#: Options whose values are secrets.
_SECRET_OPTION = re.compile("(?:tlscertificatekeyfilepassword|authmechanismproperties)=", re.IGNORECASE)

#: A name, an address or the path of a socket, with its port or without; and several of them.
_HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|[\w.%-]+)(?::\d+)?"
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")

#: Hosts and a database, after the credentials if there are any.
_PLACE = re.compile(f"{_HOSTS.pattern}(?:/[^/:@]*)?")
_OPTION = re.compile("readPreferenceTags=[^@]*|[A-Za-z]+=[^:@]*", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z+]{1,20}")

#: Characters of them that messages show.
_MAX_HOSTS = 200


def uri_for_user(uri: str, database: str, user: str, password: str) -> str:
    """Return the URI of a user of the database; hosts and options stay, other credentials go.

    Parameters
    ----------
    uri : str
        As an administrator connects.
    database : str
        The database that the user is in, and works in.
    user, password : str
        Of the new user; not encoded.
    """
    scheme, place, options = _impersonal(uri)
    hosts, encoded = place.partition("/")[0], quote(database, safe="")
    options.append(f"authSource={encoded}")
    return (
        f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{hosts}/{encoded}?{'&'.join(options)}"
    )


def uri_without_user(uri: str) -> str:
    """Return the URI of the same database for whoever gives no name."""
    scheme, place, options = _impersonal(uri)
    hosts, _, database = place.partition("/")
    return f"{scheme}://{hosts}/{database}?{'&'.join(options)}"


def uri_without_password(uri: str) -> str:
    """Return the URI as it may be shown: with the user's name, and none of the other credentials."""
    if not _SCHEME.fullmatch(uri.partition("://")[0]) or "://" not in uri:
        return "no URI"  # and perhaps a password
    # An unquoted "&" in a password would end its option: what follows it is not shown either.
    scheme, place, options = _impersonal(_SECRET_OPTION.split(uri)[0])
    credentials, at, _ = uri.partition("://")[2].rpartition("@")
    user = f"{credentials.partition(':')[0]}@" if at else ""
    if not _has_form(place, options):
        return f"{scheme}://{user}..."
    return f"{scheme}://{user}{place}{'?' if options else ''}{'&'.join(options)}"


def may_hold_password(uri: str) -> bool:
    """Return whether a part of a URI may be a password: also of one that was mistyped."""
    return "@" in uri or "password" in uri.lower() or is_mistyped(uri)


def is_mistyped(uri: str) -> bool:
    """Return whether what follows the credentials of a URI has not the form that it should have."""
    _, place, options = _impersonal(uri)
    return not _has_form(place, options)


def shown_hosts(text: str) -> str | None:
    """Return the hosts of a URI as they may be shown; None for what has not the form of hosts.

    Without an "@", what should be a port may be a password.
    """
    hosts = unquote(text) if _HOSTS.fullmatch(text) else ""
    if not (hosts and hosts.isprintable()):
        return None
    return hosts if len(hosts) <= _MAX_HOSTS else f"{hosts[:_MAX_HOSTS]}..."


def _has_form(place: str, options: Iterable[str]) -> bool:
    """Whether these are hosts, a database and options, and no part of a password whose "@" is missing."""
    return bool(_PLACE.fullmatch(place)) and all(map(_OPTION.fullmatch, options))


def _impersonal(uri: str) -> tuple[str, str, list[str]]:
    """Return the scheme, hosts and database, and options of a URI, without what belongs to its user."""
    scheme, _, rest = uri.partition("://")
    place, _, query = rest.rpartition("@")[2].partition("?")
    options = [
        option
        for option in query.replace(";", "&").split("&")
        if option and option.partition("=")[0].lower() not in _PERSONAL
    ]
    return scheme, place, options
