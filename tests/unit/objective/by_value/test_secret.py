"""Sources of the secret, and files whose permissions are too open."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.objective.by_value.secret import read_secret

TEXT = "a secret of more than 16 bytes"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"\n {TEXT}\n")
    path.chmod(0o600)
    return path


def test_the_secret_is_optional() -> None:
    assert read_secret({}) is None
    assert read_secret({"HPSEARCH_SECRET": "", "HPSEARCH_SECRET_FILE": ""}) is None


def test_it_is_in_a_variable_or_in_a_file_that_a_variable_or_an_option_names(file: Path) -> None:
    assert read_secret({"HPSEARCH_SECRET": TEXT}) == TEXT.encode()
    assert read_secret({"HPSEARCH_SECRET_FILE": str(file)}) == TEXT.encode()
    assert read_secret({}, str(file)) == TEXT.encode()


def test_the_file_takes_precedence_over_the_variable(file: Path) -> None:
    both = {"HPSEARCH_SECRET": "some other secret", "HPSEARCH_SECRET_FILE": str(file)}
    assert read_secret(both) == TEXT.encode()
    assert read_secret({"HPSEARCH_SECRET_FILE": "/nowhere"}, str(file)) == TEXT.encode()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_other_users_can_access_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(
        ConfigurationError, match=rf"accessible to other users \(mode {mode:03o}\).*chmod 600"
    ):
        read_secret({}, str(file))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigurationError, match=f"secret file {place} cannot be read"):
            read_secret({}, str(place))


@pytest.mark.parametrize(
    ("place", "said"), [("/dev/zero", "accessible to other users"), ("~no-such-user/f", "home")]
)
def test_a_path_that_is_no_private_file_is_refused_unread(place: str, said: str) -> None:
    """Reading a device may never end."""
    with pytest.raises(ConfigurationError, match=said):
        read_secret({}, place)


def test_a_file_that_is_too_long_for_a_secret_is_not_read_completely(file: Path) -> None:
    with file.open("ab") as opened:
        opened.truncate(2**40)
    with pytest.raises(ConfigurationError, match="longer than 64 KiB"):
        read_secret({}, str(file))


def test_a_short_secret_is_refused_and_not_shown(file: Path) -> None:
    file.write_text("hunter2")
    for environ in ({"HPSEARCH_SECRET": "hunter2"}, {"HPSEARCH_SECRET_FILE": str(file)}):
        with pytest.raises(ConfigurationError, match="has 7 bytes, fewer than 16") as caught:
            read_secret(environ)
        assert "hunter2" not in str(caught.value)
