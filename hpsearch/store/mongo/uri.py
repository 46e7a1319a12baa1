"""Reading MongoDB URIs: hiding their secrets, finding misspelt options, replacing the user."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

#: Options of a MongoDB URI, as MongoDB's manual spells them. The driver decides which ones it accepts.
_OPTIONS = (
    "appName", "authMechanism", "authMechanismProperties", "authSource", "compressors", "connectTimeoutMS",
    "directConnection", "heartbeatFrequencyMS", "journal", "loadBalanced", "localThresholdMS",
    "maxConnecting", "maxIdleTimeMS", "maxPoolSize", "maxStalenessSeconds", "minPoolSize",
    "readConcernLevel", "readPreference", "readPreferenceTags", "replicaSet", "retryReads", "retryWrites",
    "serverMonitoringMode", "serverSelectionTimeoutMS", "socketTimeoutMS", "srvMaxHosts", "srvServiceName",
    "ssl", "timeoutMS", "tls", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames", "tlsCAFile",
    "tlsCRLFile", "tlsCertificateKeyFile", "tlsCertificateKeyFilePassword", "tlsDisableOCSPEndpointCheck",
    "tlsInsecure", "uuidRepresentation", "w", "waitQueueTimeoutMS", "wTimeoutMS", "zlibCompressionLevel",
)  # fmt: skip
_BY_LOWER = {option.lower(): option for option in _OPTIONS}
_OPTION_NAME = re.compile("[A-Za-z]{1,40}")

#: Least similarity of a misspelt option to the intended one; "tsl" and "tls" have 0.67.
_LEAST_SIMILARITY = 0.66

#: Options that belong to the user of the URI.
_PERSONAL = {
    "authsource",
    "authmechanism",
    "authmechanismproperties",
    "tlscertificatekeyfile",
    "tlscertificatekeyfilepassword",
}

#: Options whose values are secrets.
_SECRET_OPTION = re.compile("(?:tlscertificatekeyfilepassword|authmechanismproperties)=", re.IGNORECASE)

#: A host name, an address or the path of a socket, with or without a port; and a list of them. What
#: is not a valid port, such as a longer number, may be a password.
_PORT = r"6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4}"
_HOST = rf"(?:(?:%2[Ff][\w.-]+)+(?<=\.sock)|(?:\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::(?:{_PORT}))?)"
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")

#: Hosts with a database, credentials, and one option.
_PLACE = re.compile(f"{_HOSTS.pattern}(?:/[^/:@]*)?")
_CREDENTIALS = re.compile("[^:@]*(?::[^:@]*)?")
_OPTION = re.compile("readPreferenceTags=[^@]*|[A-Za-z]+=[^:@]*", re.IGNORECASE)
_SCHEMES = {"mongodb", "mongodb+srv", "mongo", "mongo+ssl", "mongo+ssh"}

#: Replacements for hidden parts.
_HIDDEN, _MASK = "...", "***"

#: Characters of the hosts in a message.
_MAX_HOSTS = 200


def uri_for_user(uri: str, database: str, user: str, password: str) -> str:
    """Return the URI for another user, with the same hosts and options but without other credentials.

    Parameters
    ----------
    uri : str
        URI of an administrator.
    database : str
        The database in which the user is defined, and to which it connects.
    user, password : str
        Credentials of the other user, not encoded.
    """
    scheme, place, options = _impersonal(uri)
    hosts, encoded = place.partition("/")[0], quote(database, safe="")
    options.append(f"authSource={encoded}")
    return (
        f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{hosts}/{encoded}?{'&'.join(options)}"
    )


def uri_without_user(uri: str) -> str:
    """Return the URI of the same database without credentials."""
    scheme, place, options = _impersonal(uri)
    hosts, _, database = place.partition("/")
    return f"{scheme}://{hosts}/{database}?{'&'.join(options)}"


def uri_without_password(uri: str) -> str:
    """Return the URI for display: with the user's name and without the other credentials."""
    return _shown(uri, _PERSONAL)


def uri_with_masks(uri: str) -> str:
    """Return the URI for display, with ``***`` in place of each secret."""
    return _shown(uri, frozenset())


def may_hold_password(uri: str) -> bool:
    """Return whether a part of a URI may be a password, including a mistyped URI."""
    return "@" in uri or _SECRET_OPTION.search(uri) is not None or is_mistyped(uri)


def is_mistyped(uri: str) -> bool:
    """Return whether a URI is malformed, so that any part of it may belong to a password.

    An "@", ":" or "/" in a password that is not percent-encoded shifts the boundaries of all parts.
    """
    # Ignore what follows a secret option: a secret may contain any character, including "&".
    parts = _parts(_SECRET_OPTION.split(uri)[0])
    # With an "&" in place of the "?", the options belong to the name of the database.
    if _SECRET_OPTION.search(uri.partition("?")[0]):
        return True
    return not (
        parts.scheme in _SCHEMES
        and (parts.credentials is None or _CREDENTIALS.fullmatch(parts.credentials))
        and _PLACE.fullmatch(parts.place)
        and all(map(_OPTION.fullmatch, parts.options))
    )


def hosts_in(uri: str) -> str | None:
    """Return the hosts of a URI for display; None for a mistyped URI."""
    return None if is_mistyped(uri) else shown_hosts(_parts(uri).place.partition("/")[0])


def shown_hosts(text: str) -> str | None:
    """Return hosts for display; None if the text is not a list of hosts.

    Without an "@", the text after a colon may be a password instead of a port.
    """
    hosts = unquote(text) if _HOSTS.fullmatch(text) else ""
    if not (hosts and hosts.isprintable()):
        return None
    return hosts if len(hosts) <= _MAX_HOSTS else f"{hosts[:_MAX_HOSTS]}..."


def misspelt_option(uri: str) -> str | None:
    """Describe the first unknown option of a URI; None if all are known.

    An option is quoted only if it resembles a known one or the URI has no password.
    """
    for option in _parts(uri).options:
        name = option.partition("=")[0]
        if not name or name.lower() in _BY_LOWER:
            continue
        if _OPTION_NAME.fullmatch(name):
            similar = difflib.get_close_matches(name.lower(), _BY_LOWER, n=1, cutoff=_LEAST_SIMILARITY)
            if similar:
                return f"unknown option {name}; did you mean {_BY_LOWER[similar[0]]}?"
            if not may_hold_password(uri):
                return f"unknown option {name}"
        return "one of its options is unknown"
    return None


@dataclass(frozen=True, slots=True)
class _Parts:
    """A URI, split as MongoDB's drivers split it."""

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
    """Return the scheme, the hosts with the database, and the options without those of the user."""
    parts = _parts(uri)
    return parts.scheme, parts.place, [o for o in parts.options if _name(o) not in _PERSONAL]


def _name(option: str) -> str:
    return option.partition("=")[0].lower()


def _shown(uri: str, hidden: Collection[str]) -> str:
    """Return a URI with masked secrets and without some options."""
    parts = _parts(uri)
    if parts.scheme not in _SCHEMES or "://" not in uri:
        return "no URI"  # may be a password
    if is_mistyped(uri):
        return f"{parts.scheme}://{_HIDDEN}"
    options = "&".join(_shown_options(parts.options, hidden))
    return f"{parts.scheme}://{_shown_user(parts, hidden)}{parts.place}{'?' if options else ''}{options}"


def _shown_user(parts: _Parts, hidden: Collection[str]) -> str:
    """Return the user for display; without a password beside it, it may itself be one."""
    if parts.credentials is None:
        return ""
    user, colon, _ = parts.credentials.partition(":")
    if colon:
        return f"{user}@" if hidden else f"{user}:{_MASK}@"
    has_certificate = "authmechanism=mongodb-x509" in map(str.lower, parts.options)
    return f"{user if has_certificate else _HIDDEN}@"


def _shown_options(options: list[str], hidden: Collection[str]) -> Iterator[str]:
    for option in options:
        is_secret, name = _SECRET_OPTION.match(option) is not None, option.partition("=")[0]
        if name.lower() in _BY_LOWER and name.lower() not in hidden:
            yield f"{name}={_MASK}" if is_secret else option
        if is_secret:
            return  # after an "&" in the secret, its rest looks like other options
