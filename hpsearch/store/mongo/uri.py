"""The URI under which another user, or one without a name, reaches the same database; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from hpsearch.store.mongo.uri_options import OPTIONS

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

#: A name, an address or the path of a socket, with its port or without; and several of them. What is
#: no port, such as a longer number, may be a password.
_PORT = r"6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4}"
_HOST = rf"(?:(?:%2[Ff][\w.-]+)+(?<=\.sock)|(?:\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::(?:{_PORT}))?)"
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")

#: Hosts and a database, after the credentials if there are any; and those.
_PLACE = re.compile(f"{_HOSTS.pattern}(?:/[^/:@]*)?")
_CREDENTIALS = re.compile("[^:@]*(?::[^:@]*)?")
_OPTION = re.compile("readPreferenceTags=[^@]*|[A-Za-z]+=[^:@]*", re.IGNORECASE)
_SCHEMES = {"mongodb", "mongodb+srv", "mongo", "mongo+ssl", "mongo+ssh"}
_KNOWN = {name.lower() for name in OPTIONS}

#: What stands for a part that is not shown.
_HIDDEN, _MASK = "...", "***"

#: Characters of hosts that messages show.
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
    return _shown(uri, _PERSONAL)


def uri_with_masks(uri: str) -> str:
    """Return the URI as it may be shown, with ``***`` in the place of each secret."""
    return _shown(uri, frozenset())


def may_hold_password(uri: str) -> bool:
    """Return whether a part of a URI may be a password: also of one that was mistyped."""
    return "@" in uri or _SECRET_OPTION.search(uri) is not None or is_mistyped(uri)


def is_mistyped(uri: str) -> bool:
    """Return whether a URI has not the form that it should have, so that any part may be one of a password.

    An "@", a ":" or a "/" in a password that is not percent-encoded moves the bounds of all parts.
    """
    # A secret may hold any sign, an unquoted "&" included: what follows its option is not looked at.
    parts = _parts(_SECRET_OPTION.split(uri)[0])
    # With an "&" in the place of the "?", all options are a part of the database's name.
    if _SECRET_OPTION.search(uri.partition("?")[0]):
        return True
    return not (
        parts.scheme in _SCHEMES
        and (parts.credentials is None or _CREDENTIALS.fullmatch(parts.credentials))
        and _PLACE.fullmatch(parts.place)
        and all(map(_OPTION.fullmatch, parts.options))
    )


def hosts_in(uri: str) -> str | None:
    """Return the hosts of a URI as they may be shown; None for those of a mistyped one."""
    return None if is_mistyped(uri) else shown_hosts(_parts(uri).place.partition("/")[0])


def shown_hosts(text: str) -> str | None:
    """Return the hosts of a URI as they may be shown; None for what has not the form of hosts.

    Without an "@", what should be a port may be a password.
    """
    hosts = unquote(text) if _HOSTS.fullmatch(text) else ""
    if not (hosts and hosts.isprintable()):
        return None
    return hosts if len(hosts) <= _MAX_HOSTS else f"{hosts[:_MAX_HOSTS]}..."


@dataclass(frozen=True, slots=True)
class _Parts:
    """A URI, taken apart as MongoDB's drivers do it."""

    scheme: str
    credentials: str | None  #: user and password
    place: str  #: hosts and database
    options: list[str]


def _parts(uri: str) -> _Parts:
    scheme, _, rest = uri.partition("://")
    before, _, query = rest.partition("?")
    authority, slash, database = before.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    options = [option for option in query.replace(";", "&").split("&") if option]
    return _Parts(scheme, credentials if at else None, f"{hosts}{slash}{database}", options)


def _impersonal(uri: str) -> tuple[str, str, list[str]]:
    """Return the scheme, hosts and database, and options of a URI, without what belongs to its user."""
    parts = _parts(uri)
    return parts.scheme, parts.place, [o for o in parts.options if _name(o) not in _PERSONAL]


def _name(option: str) -> str:
    return option.partition("=")[0].lower()


def _shown(uri: str, left_out: Collection[str]) -> str:
    """Return a URI with its secrets masked, and without some of its options."""
    parts = _parts(uri)
    if parts.scheme not in _SCHEMES or "://" not in uri:
        return "no URI"  # and perhaps a password
    if is_mistyped(uri):
        return f"{parts.scheme}://{_HIDDEN}"
    options = "&".join(_shown_options(parts.options, left_out))
    return f"{parts.scheme}://{_shown_user(parts, left_out)}{parts.place}{'?' if options else ''}{options}"


def _shown_user(parts: _Parts, left_out: Collection[str]) -> str:
    """Return the user as shown before the hosts; what has no password beside it may itself be one."""
    if parts.credentials is None:
        return ""
    user, colon, _ = parts.credentials.partition(":")
    if colon:
        return f"{user}@" if left_out else f"{user}:{_MASK}@"
    has_certificate = "authmechanism=mongodb-x509" in map(str.lower, parts.options)
    return f"{user if has_certificate else _HIDDEN}@"


def _shown_options(options: list[str], left_out: Collection[str]) -> Iterator[str]:
    for option in options:
        is_secret, name = _SECRET_OPTION.match(option) is not None, option.partition("=")[0]
        if name.lower() in _KNOWN and name.lower() not in left_out:
            yield f"{name}={_MASK}" if is_secret else option
        if is_secret:
            return  # an unquoted "&" in it makes the rest of it look like other options
