"""The database of a command, and the files that its URI may come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from hpsearch.cli.options import store_option
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.store_uri import STORE, STORE_FILE, uri_in

IN_FILE = "mongodb://ann:s3cret@file/db"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "store"
    path.write_text(f"{IN_FILE}\n")
    path.chmod(0o600)
    return str(path)


@click.command()
@store_option(required=False)
def command(store: Any) -> None:
    click.echo(store or "none")


@click.command()
@store_option(required=True)
def demanding(store: Any) -> None:
    raise AssertionError(store)


def chosen(arguments: Any = (), environment: Any = None) -> str:
    """Return the URI that a command with the option gets."""
    variables = {STORE: None, STORE_FILE: None, **(environment or {})}
    result = CliRunner().invoke(command, list(arguments), env=variables, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_the_command_line_precedes_the_environment_and_the_file_precedes_the_uri(file: str) -> None:
    both = {STORE: "variable", STORE_FILE: file}
    assert chosen() == "none"
    assert chosen(environment={STORE: "variable"}) == "variable"
    assert chosen(environment={STORE_FILE: file}) == IN_FILE
    assert chosen(environment=both) == IN_FILE
    assert chosen(["--store", "line"], both) == "line"
    assert chosen(["--store-file", file], {STORE: "variable", STORE_FILE: "/nowhere"}) == IN_FILE


def test_an_empty_variable_is_ignored(file: str) -> None:
    assert chosen(environment={STORE: "", STORE_FILE: ""}) == "none"
    assert chosen(environment={STORE: "variable", STORE_FILE: ""}) == "variable"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--store", "line", "--store-file", "file"], "--store and --store-file exclude each other"),
        ([], "Missing option '--store'"),
    ],
)
def test_two_databases_or_no_database_are_wrong_usage(arguments: Any, sentence: str) -> None:
    result = CliRunner().invoke(demanding, arguments, env={STORE: None, STORE_FILE: None})

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_other_users_may_access_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "store"
    file.write_text(IN_FILE)
    file.chmod(mode)
    with pytest.raises(
        ConfigurationError, match=rf"accessible to other users \(mode {mode:03o}\).*chmod 600"
    ) as caught:
        uri_in(str(file))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b" \n", b"mongodb://ann:s3cret@a\nmongodb://b", b"s3cret\xff"])
def test_a_file_without_exactly_one_line_is_refused_and_not_printed(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "store"
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="must contain one line, the MongoDB URI") as caught:
        uri_in(str(file))
    assert "s3cret" not in str(caught.value)


def test_the_error_of_a_missing_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=f"The store file {tmp_path}/none cannot be read: No such file"
    ):
        uri_in(str(tmp_path / "none"))
