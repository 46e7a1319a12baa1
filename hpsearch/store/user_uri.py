"""The URI under which another user reaches the same database; pure."""

from __future__ import annotations

from urllib.parse import quote

#: Options that belong to the user who wrote the URI.
_PERSONAL = {
    "authsource",
    "authmechanism",
    "authmechanismproperties",
    "tlscertificatekeyfile",
    "tlscertificatekeyfilepassword",
}


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
    scheme, _, rest = uri.partition("://")
    place, _, query = rest.rpartition("@")[2].partition("?")
    options = [
        option
        for option in query.replace(";", "&").split("&")
        if option and option.partition("=")[0].lower() not in _PERSONAL
    ]
    hosts, encoded = place.partition("/")[0], quote(database, safe="")
    options.append(f"authSource={encoded}")
    return (
        f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{hosts}/{encoded}?{'&'.join(options)}"
    )
