"""Hosts and options of a URI, without a server."""

from __future__ import annotations

import pytest

from hpsearch.store.mongo.connection import DEFAULTS, hosts_of, settings_for


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        ("mongodb://localhost", "localhost"),
        ("mongodb://a:1,b:2/db?replicaSet=rs0", "a:1,b:2"),
        ("mongodb://anna:secret@a:1/db", "a:1"),
        ("mongodb://anna:sec@ret@a:1/db", "an unnamed host"),
        ("mongodb://anna:sec/r?et@a:1/db", "an unnamed host"),
        ("mongodb://a:1/?tlsCertificateKeyFilePassword=sec@ret", "a:1"),
        ("mongodb+srv://anna:secret@cluster.example.org/", "cluster.example.org"),
        ("mongodb://%2Ftmp%2Fmongod.sock/db", "/tmp/mongod.sock"),
        ("mongodb://", "an unnamed host"),
    ],
)
def test_messages_name_the_hosts_and_no_credentials(uri: str, hosts: str) -> None:
    assert hosts_of(uri) == hosts


def test_writes_are_on_disk_on_a_majority_unless_the_uri_says_otherwise() -> None:
    assert settings_for("mongodb://h/db") == dict(DEFAULTS)
    assert (DEFAULTS["w"], DEFAULTS["journal"]) == ("majority", True)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("w=1", "w"),
        ("W=1", "w"),
        ("j=false", "journal"),
        ("socketTimeoutMS=100", "socketTimeoutMS"),
        ("tls=true&appName=mine", "appname"),
        ("tls=true;retrywrites=false", "retryWrites"),
    ],
)
def test_an_option_of_the_uri_overrides_ours(option: str, name: str) -> None:
    settings = settings_for(f"mongodb://h/db?{option}")

    assert settings.keys() == DEFAULTS.keys() - {name}
