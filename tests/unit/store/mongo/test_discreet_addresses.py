"""No message about an address contains a password, however the address was mistyped."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hpsearch.cli.mongo_worker import worker_command
from hpsearch.errors import HpsearchError
from hpsearch.runtime.escaping import without_credentials
from hpsearch.store.mongo.connection import client_of, hosts_of
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from hpsearch.store.mongo.tls import advice, check_files
from hpsearch.store.mongo.uri import uri_with_masks, uri_without_password

#: The parts of a password around a character with a meaning in an address.
FIRST, SECOND = "hunterTwo", "correctHorse"

SCHEMES = ["mongodb://", "mongo://", "mongodb+srv://", "mongo+ssl://"]


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    """An address with an unencoded password, or with missing, repeated or swapped parts."""
    sign = draw(
        st.sampled_from(["", *"@:/?&;=#%,[] ", "%zz", "://", "//", "?w=", "&w=", "/?tlsCAFile=", "%40"])
    )
    password = f"{FIRST}{sign}{SECOND}"
    host = draw(st.sampled_from(["host", "host:27017", "a:1,b:2", "[::1]:1", "%2Ftmp%2Fno.sock"]))
    tail = draw(
        st.sampled_from(["", "/", "/db", "/db/jobs", "/db/jobs/more", "/db?w=1", "/?tls=maybe", "?nosuch=1"])
    )
    scheme = draw(
        st.sampled_from([*SCHEMES, "", "mongodb:/", "mongodb//", "mogodb://", "MONGODB://", "://", "http://"])
    )
    form = draw(
        st.sampled_from(["whole", "no host", "no user", "no at", "slash", "other at", "option", "twice"])
    )
    # Otherwise it is another valid address, with the rest of the password as the host or the user.
    assume(not (form in {"no host", "no at"} and ("@" in sign or not sign)))
    assume(not (form in {"no user", "slash"} and ":" in sign))
    match form:
        case "whole":
            return f"{scheme}me:{password}@{host}{tail}"
        case "no host":
            return f"{scheme}me:{password}"
        case "no user":
            return f"{scheme}{password}@{host}{tail}"
        case "no at":
            return f"{scheme}me:{password}{host}{tail}"
        case "slash":
            return f"{scheme}me/{password}@{host}{tail}"
        case "other at":
            return f"{scheme}me:{password}%40{host}{tail}"
        case "option":
            name = draw(st.sampled_from(["tlsCertificateKeyFilePassword", "authMechanismProperties"]))
            return f"{scheme}{host}/db?tls=true&{name}={password}"
    return f"{scheme}me:{password}@me:{password}@{host}{tail}"


def is_shown(text: str) -> bool:
    """Whether a recognizable part of the password is in a text."""
    return any(part[i : i + 6] in text for part in (FIRST, SECOND) for i in range(len(part) - 5))


def command_of_worker(address: str) -> str:
    """Return what ``hpsearch-mongo-worker`` prints about an address."""
    try:
        uri = jobs_address(address).uri
    except HpsearchError as error:
        return str(error)
    return worker_command(uri, [])


#: Functions that describe an address, and functions that read it.
WORDS: list[Callable[[str], object]] = [
    hosts_of,
    uri_without_password,
    uri_with_masks,
    command_of_worker,
    partial(advice, "connection closed"),
]
READERS: list[Callable[[str], object]] = [jobs_address, check_files]


@pytest.mark.fuzz
@settings(deadline=None)
@given(mistyped())
def test_no_description_of_an_address_contains_a_password(address: str) -> None:
    for say in WORDS:
        assert not is_shown(str(say(address))), say


@pytest.mark.fuzz
@settings(deadline=None)
@given(mistyped())
def test_no_error_about_an_address_contains_a_password(address: str) -> None:
    said = [error_of(read, address) for read in READERS]
    if not address.startswith("mongodb+srv"):  # which asks the DNS
        said.append(error_of(lambda uri: client_of(uri).close(), address))

    assert not any(map(is_shown, said))


def error_of(read: Callable[[str], object], address: str) -> str:
    """Return the error for an address, with its causes; an empty text if it is accepted."""
    try:
        read(address)
    except HpsearchError as error:
        return "".join(traceback.format_exception(error))
    return ""


@given(st.sampled_from(["", *SCHEMES, "mongodb:/"]), st.sampled_from([*"@:/?&;=#%", "://"]))
def test_an_address_in_the_wrong_place_is_quoted_without_its_password(scheme: str, sign: str) -> None:
    """A command does not recognize an extra argument as an address."""
    address = f"{scheme}me:{FIRST}{sign}{SECOND}@host:27017/db"
    assert not is_shown(without_credentials(f"Got unexpected extra argument ({address})"))


@pytest.mark.parametrize(
    "sentence",
    [
        "A MongoDB URI begins with mongodb:// or mongodb+srv://, such as mongodb://localhost:27017/hpsearch.",
        "Write mongo://host:port/database/jobs, or mongodb://host/database.",
        "MongoDB at a:27017,b:27018 cannot be reached: a:27017: [Errno 111] Connection refused.",
        "search.py:objective has no attribute 'x'; see https://example.org/docs.",
    ],
)
def test_text_without_credentials_is_unchanged(sentence: str) -> None:
    assert without_credentials(sentence) == sentence
