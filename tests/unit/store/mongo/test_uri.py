"""URIs for other users, and for display."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.store.mongo.uri import uri_for_user, uri_with_masks, uri_without_password, uri_without_user

FULL = "mongodb://root:p%40ss@a:1,b:2/runs?authSource=admin&tls=true;tlsCertificateKeyFile=/me.pem&replicaSet=rs0"


def test_the_uri_for_another_user_keeps_hosts_and_options_only() -> None:
    found = uri_for_user(FULL, "runs", "an:na", "x/y")
    assert found == "mongodb://an%3Ana:x%2Fy@a:1,b:2/runs?tls=true&replicaSet=rs0&authSource=runs"


def test_the_uri_without_a_user_keeps_hosts_and_options() -> None:
    assert uri_without_user(FULL) == "mongodb://a:1,b:2/runs?tls=true&replicaSet=rs0"
    assert uri_without_user("mongodb://a:1") == "mongodb://a:1/?"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (FULL, "mongodb://root@a:1,b:2/runs?tls=true&replicaSet=rs0"),
        ("mongodb://localhost/runs", "mongodb://localhost/runs"),
        ("mongodb://root:a@b:c/d@host/runs", "mongodb://..."),
        ("mongodb://root:12345678/runs", "mongodb://..."),
        ("mongodb://host/db@root:password", "mongodb://..."),
        ("root:password@host", "no URI"),
        ("root:password://host", "no URI"),
        ("mongodb://root:password.host:1/runs?tls=true", "mongodb://..."),
        ("mongodb://a//root:password.host:1/runs", "mongodb://..."),
        ("mongodb://root:x@%2Ftmp%2Fmongodb.sock/runs", "mongodb://root@%2Ftmp%2Fmongodb.sock/runs"),
        ("mongodb://password@host/runs", "mongodb://...@host/runs"),
        ("mongodb://CN=me@host/?tls=true&authMechanism=MONGODB-X509", "mongodb://CN=me@host/?tls=true"),
        (
            "mongodb://host/?tls=true&passwrod=x&tlsCertificateKeyFilePassword=a&w=b",
            "mongodb://host/?tls=true",
        ),
    ],
)
def test_a_uri_for_display_has_the_user_and_no_password(uri: str, shown: str) -> None:
    assert uri_without_password(uri) == shown


@given(password=st.text(alphabet="abc%:/@?#&;=. ", min_size=1).map(lambda text: f"SECRET{text}SECRET"))
def test_no_password_is_ever_shown(password: str) -> None:
    """Whatever its characters and its place, encoded or not."""
    for uri in (
        f"mongodb://me:{password}@host:1/runs?tls=true",
        f"mongodb://me:x@host/?tls=true&tlsCertificateKeyFilePassword={password}",
    ):
        assert "SECRET" not in uri_without_password(uri)


@pytest.mark.parametrize("option", ["tlsCertificateKeyFilePassword=", "authMechanismProperties=A:"])
def test_a_secret_after_a_wrong_separator_is_not_shown(option: str) -> None:
    uri = f"mongodb://host/db&{option}secret"
    assert "secret" not in uri_without_password(uri) + uri_with_masks(uri)
