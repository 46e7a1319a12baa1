"""Any URI gives a client or a one-line error without the password."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.errors import ConfigurationError
from hpsearch.store.mongo.connection import client_of, hosts_of
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from hpsearch.store.mongo.uri import uri_without_password

PASSWORD = "hunter2Secret"

WHOLE = [
    f"mongodb://anna:{PASSWORD}@127.0.0.1:1/db?w=1&serverSelectionTimeoutMS=1",
    f"mongodb://anna:{PASSWORD}@a.invalid:1,[::1]:2/db?replicaSet=rs0&authSource=admin",
    f"mongodb://anna:{PASSWORD}@%2Ftmp%2Fno.sock/db?authMechanism=SCRAM-SHA-256",
]

PIECES = st.sampled_from(
    [
        "@",
        ":",
        "/",
        "//",
        "?",
        "&",
        "=",
        "%",
        "%zz",
        "%00",
        "%0A",
        ",",
        "[",
        "]",
        "\0",
        "\n",
        "\x1b",
        " ",
        "#",
        ";",
        "é",
        "\ud800",
        "65536",
        "-1",
        "x" * 3000,
        "w=",
        "&w=majority",
        "&tls=maybe",
        "&nosuch=1",
        "&timeoutMS=nan",
        "&maxPoolSize=-1",
        "&ssl=true&tls=false",
        "&authMechanism=NONE",
        "&compressors=zip",
        "&readPreference=near",
        "mongodb://",
        "&loadBalanced=true",
        "&srvMaxHosts=1",
        "&proxyHost=x",
        "&directConnection=true",
        "&readPreferenceTags=a",
        "&socketTimeoutMS=1e999",
    ]
)


@st.composite
def altered_uris(draw: st.DrawFn) -> str:
    """A URI with characters inserted or removed, except the colon before the password."""
    uri = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(uri)))
        within = uri.find(PASSWORD)
        if within - 1 <= start < within + len(PASSWORD):
            start = within + len(PASSWORD)
        n_cut = draw(st.integers(0, 3))
        if start < within:
            n_cut = min(n_cut, within - 1 - start)
        uri = uri[:start] + draw(PIECES | st.just("")) + uri[start + n_cut :]
    return uri


def assert_discreet(text: str) -> None:
    """Check that a text is one short line without a recognizable part of the password."""
    assert text.isprintable()
    assert len(text) < 500
    assert not any(PASSWORD[i : i + 6] in text for i in range(len(PASSWORD) - 5)), text


@pytest.mark.fuzz
@given(altered_uris())
@example(f"mongodb://a//nna:{PASSWORD}127.0.0.1:1/db?w=1")
@example(f"mongodb://anna:{PASSWORD}127.0.0.1:1/db")
@example(f"mongodb://a?nna:{PASSWORD}127.0.0.1:1/db?w=1")
def test_an_altered_uri_gives_a_client_or_an_error_without_the_password(uri: str) -> None:
    assert_discreet(hosts_of(uri)[:400])
    if "://" in uri[:20]:
        shown = uri_without_password(uri)
        assert not any(PASSWORD[i : i + 6] in shown for i in range(len(PASSWORD) - 5)), shown
    if "+srv" in uri:
        return  # asks the DNS
    try:
        client_of(uri).close()
    except ConfigurationError as error:
        assert_discreet(str(error))


@pytest.mark.fuzz
@given(altered_uris())
def test_an_altered_hyperopt_address_gives_a_uri_or_an_error_without_the_password(uri: str) -> None:
    try:
        client_uri = jobs_address(uri.replace("mongodb://", "mongo://", 1)).uri
    except ConfigurationError as error:
        assert_discreet(str(error))
    else:
        assert client_uri.startswith("mongodb://")


@pytest.mark.parametrize("mistake", ["&nosuch=1", "&w=-5", "&ssl=false", "&connectTimeoutMS=soon"])
def test_the_password_of_a_key_is_not_in_the_error(mistake: str) -> None:
    uri = f"mongodb://a.invalid/db?tls=true&tlsCertificateKeyFilePassword={PASSWORD}{mistake}"
    with pytest.raises(ConfigurationError) as caught:
        client_of(uri)
    assert_discreet(str(caught.value))
