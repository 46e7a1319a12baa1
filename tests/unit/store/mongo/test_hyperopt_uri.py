"""Converting Hyperopt's addresses of jobs to MongoDB URIs."""

from __future__ import annotations

from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import ConfigurationError
from hpsearch.store.mongo.hyperopt_uri import JobsAddress, jobs_address


@pytest.mark.parametrize(
    ("text", "uri", "collection"),
    [
        ("localhost/hyperopt", "mongodb://localhost/hyperopt", "jobs"),
        ("localhost:1234/foo_db", "mongodb://localhost:1234/foo_db", "jobs"),
        ("mongo://localhost:1234/foo_db/jobs", "mongodb://localhost:1234/foo_db", "jobs"),
        ("mongo://h/db/other", "mongodb://h/db", "other"),
        ("mongo://u:p@h:1/db/jobs?authSource=admin", "mongodb://u:p@h:1/db?authSource=admin", "jobs"),
        ("mongo+ssl://h:1/db/jobs", "mongodb://h:1/db?tls=true", "jobs"),
        ("mongo+ssl://h/db?authSource=a", "mongodb://h/db?authSource=a&tls=true", "jobs"),
        ("mongodb://u:p%40@a:1,b:2/db?replicaSet=rs0", "mongodb://u:p%40@a:1,b:2/db?replicaSet=rs0", "jobs"),
        ("mongodb://h/db/jobs?w=1", "mongodb://h/db?w=1", "jobs"),
        ("mongodb://h:1/?w=1", "mongodb://h:1/?w=1", "jobs"),
        ("mongodb+srv://cluster.example/db", "mongodb+srv://cluster.example/db", "jobs"),
    ],
)
def test_every_form_names_a_database_and_a_collection(text: str, uri: str, collection: str) -> None:
    assert jobs_address(text) == JobsAddress(uri, collection)


@given(
    user=st.text("ab:@%+ é", min_size=1).filter(lambda text: ":" not in text), password=st.text("ab:@%+ é")
)
def test_plain_credentials_survive_the_encoding(user: str, password: str) -> None:
    """Hyperopt's form does not encode them; MongoDB's does."""
    uri = jobs_address(f"mongo://{user}:{password}@host:1/db/jobs").uri
    credentials, _, rest = uri.removeprefix("mongodb://").rpartition("@")
    assert rest == "host:1/db"
    assert tuple(map(unquote_plus, credentials.split(":"))) == (user, password)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mongo+ssh://h:1/db/jobs", "open the tunnel yourself"),
        ("http://h/db", "not an address of MongoDB"),
        ("localhost", "localhost is not an address of a database"),
        ("mongo://h:1", "h:1 is not an address of a database"),
        ("mongo://h/db/jobs/more", "is not an address of a database"),
        ("", "This is not an address of a database"),
        ("mongo://u@h:1/db/jobs", "has a user without a password"),
    ],
)
def test_an_invalid_address_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        jobs_address(text)


def test_no_error_shows_a_password() -> None:
    for text in ("mongo://u:secret@h:1", "mongodb://u:secret@h/db/jobs/more", "http://u:secret@h/db"):
        with pytest.raises(ConfigurationError) as raised:
            jobs_address(text)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("password", ["s3c?ret", "s3c/ret", "s3c@ret", "s3c#ret"])
def test_an_unencoded_password_may_have_any_character_and_is_never_shown(password: str) -> None:
    """Text before the last "@" is not mistaken for a host, which errors name."""
    address = jobs_address(f"mongo://user:{password}@host/db/jobs?authSource=a")
    assert unquote_plus(address.uri) == f"mongodb://user:{password}@host/db?authSource=a"
    with pytest.raises(ConfigurationError) as refusal:
        jobs_address(f"mongo://user:{password}@host/db/jobs/more")
    assert "s3c" not in str(refusal.value)
