"""Everything a user can meet is described in the manual."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from itertools import accumulate

import click
import pytest

from hpsearch import errors
from hpsearch.cli import cli
from hpsearch.cli.mongo_worker import mongo_worker
from hpsearch.cli.worker import worker
from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import Budget, Defaults, ExperimentState, ObjectiveRef
from hpsearch.core.trial import Ended, Failure, FailureKind, Holder, Report, State, Trial
from hpsearch.core.worker import WorkerState
from hpsearch.report.rows import status_row
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.schema import VALIDATORS
from hpsearch.suggest.anneal import AnnealOptions
from hpsearch.suggest.auto import AutoOptions
from hpsearch.suggest.mix import MixOptions
from hpsearch.suggest.names import ALGORITHMS
from hpsearch.suggest.tpe.suggest import TPEOptions
from tests.support.documentation import (
    REFERENCE,
    REPOSITORY,
    SOURCES,
    commands,
    section,
    shell_lines,
    variable,
)
from tests.support.progress_states import NOW, progress

#: Options that are described once for all commands.
COMMON = {
    "--store", "--store-file", "--secret-file", "--log-format", "--debug", "--help", "-h", "--version",
    "--format", "--json", "--raw", "--owner",
}  # fmt: skip

#: Commands that the changelog names as removed.
REMOVED = {"db stats"}


def options(command: click.Command) -> Iterator[click.Option]:
    return (p for p in command.params if isinstance(p, click.Option) and not p.hidden)


EVERY_COMMAND = dict(commands())


@pytest.mark.parametrize("path", EVERY_COMMAND)
def test_every_option_of_every_command_stands_in_the_section_of_the_command(path: str) -> None:
    text = section(path)
    for option in options(EVERY_COMMAND[path]):
        for name in {*option.opts, *option.secondary_opts} - COMMON:
            assert re.search(rf"`{name}[`\s]", text), f"{path} {name} is not described"


@pytest.mark.parametrize("path", EVERY_COMMAND)
def test_every_environment_variable_of_every_option_is_named_there(path: str) -> None:
    for option in options(EVERY_COMMAND[path]):
        # The reference says so once: a coordinator's begin in another way.
        name = variable(path, option).replace("HPSEARCH_COORDINATOR_", "HPSEARCH_RUN_")
        text = section("Command reference") if COMMON & {*option.opts} else section(path)
        assert f"`{name}`" in text, f"{name} is not described"


@pytest.mark.parametrize("path", EVERY_COMMAND)
def test_every_environment_variable_has_the_name_of_its_option(path: str) -> None:
    for option in options(EVERY_COMMAND[path]):
        if not COMMON & {*option.opts}:
            name = option.opts[0].lstrip("-").replace("-", "_")
            command = path.replace(" ", "_").replace("-", "_")
            assert variable(path, option) == f"HPSEARCH_{command}_{name}".upper()


def test_every_option_that_is_described_exists() -> None:
    known = {
        name
        for command in EVERY_COMMAND.values()
        for o in options(command)
        for name in (*o.opts, *o.secondary_opts)
    }
    described = set(re.findall(r"^\| `(--?[\w-]+)", REFERENCE, flags=re.MULTILINE))
    assert described - known - COMMON == set()


def test_every_command_of_a_page_has_the_options_that_it_names() -> None:
    """Whole lines in shell blocks are executed, too, by ``test_documented_commands.py``."""
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*/*.md")]
    in_sentences = {
        text for page in pages for text in re.findall(r"`hpsearch ([a-z][^`]*)`", page.read_text())
    }
    in_blocks = {
        line.removeprefix("hpsearch ")
        for page in pages
        for line in shell_lines(page)
        if line.startswith("hpsearch ")
    }
    named = (in_sentences | in_blocks) - REMOVED
    for text in named:
        paths = [path for path in EVERY_COMMAND if f"{text} ".startswith((f"{path} ", f"{path}|"))]
        assert paths or any(path.startswith(text) for path in EVERY_COMMAND), f"no command hpsearch {text}"
        own = re.split(r" -- |\$\(", text)[0]  # another program's command follows
        used = set(re.findall(r"(?<!\S)--[\w-]+", own)) - COMMON
        known = {
            name
            for path in paths
            for o in options(EVERY_COMMAND[path])
            for name in (*o.opts, *o.secondary_opts)
        }
        assert used <= known, f"hpsearch {text}"


def test_the_worker_has_one_set_of_options_under_both_its_names() -> None:
    assert EVERY_COMMAND["worker"] is worker


def test_every_flag_of_hyperopts_worker_is_described_beside_what_it_becomes() -> None:
    text = (REPOSITORY / "worker" / "README.md").read_text().partition("## Under Hyperopt's flags")[2]
    names = {name for o in options(mongo_worker) for name in o.opts}
    assert len(names) > 5
    assert {name for name in names if f"`{name}" not in text} == set()


def test_every_variable_that_the_source_names_is_described() -> None:
    named = {
        name for path in SOURCES for name in re.findall(r"\bHPSEARCH_[A-Z]+(?:_[A-Z]+)*\b", path.read_text())
    }
    assert {name for name in named if name not in REFERENCE} == set()


@pytest.mark.parametrize("collection", VALIDATORS)
def test_every_field_of_every_document_is_described(collection: str) -> None:
    text = section(f"db.{collection}")
    missing = [
        name for name in VALIDATORS[collection]["$jsonSchema"]["properties"] if f"`{name}`" not in text
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("collection", "kind"),
    [
        ("trials", Trial),
        ("trials", Failure),
        ("trials", Report),
        ("trials", Ended),
        ("trials", Holder),
        ("experiments", Budget),
        ("experiments", Defaults),
        ("experiments", ObjectiveRef),
    ],
)
def test_every_field_of_what_a_document_holds_is_described(collection: str, kind: type) -> None:
    text = section(f"db.{collection}")
    assert [field.name for field in fields(kind) if f"`{field.name}`" not in text] == []


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("States", State),
        ("States", ExperimentState),
        ("States", WorkerState),
        ("Failures", FailureKind),
        ("db.experiments", EndReason),
    ],
)
def test_every_state_and_every_reason_is_described(title: str, kind: type[StrEnum]) -> None:
    assert [value for value in kind if f"`{value}`" not in section(title)] == []


def test_every_algorithm_is_named_with_its_options_and_their_defaults() -> None:
    kinds = {"auto": AutoOptions, "tpe": TPEOptions, "anneal": AnnealOptions, "mix": MixOptions}
    defaults = {
        (name, option.name): getattr(kind(), option.name)
        for name, kind in kinds.items()
        for option in fields(kind)
    }
    rows = re.findall(
        r"^\| (?:`(\w+)` )?\| `(\w+)` \| `?(.+?)`? \|", section("Options of algorithms"), flags=re.MULTILINE
    )
    names: Iterator[str] = accumulate((name for name, _, _ in rows), lambda last, name: name or last)
    assert {
        (name, option): json.loads(text) for name, (_, option, text) in zip(names, rows, strict=True)
    } == defaults
    assert [name for name in ALGORITHMS if f"`{name}`" not in section("run")] == []


def test_every_room_of_the_package_is_in_the_table_of_rooms() -> None:
    text = (REPOSITORY / "hpsearch" / "README.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("| ")]
    paths = [
        path
        for path in (REPOSITORY / "hpsearch").glob("[!_]*")
        if path.suffix == ".py" or any(path.glob("*.py"))
    ]
    names = {f"{path.name}/" if path.is_dir() else path.name for path in paths}
    assert {name for name in names if not any(f"`{name}`" in line for line in table)} == set()


def test_every_error_is_described_with_its_exit_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", section("Errors and exit codes"), flags=re.MULTILINE)
    described = {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.HpsearchError)]
    assert described == {kind.__name__: kind.exit_code for kind in kinds}


def test_the_help_names_every_exit_code_that_the_reference_names() -> None:
    listed = (cli.help or "").partition("Exit codes:")[2]
    codes = set(re.findall(r"^\| (\d+)", section("Errors and exit codes"), flags=re.MULTILINE)) | {"143"}
    assert set(re.findall(r"\d+", listed)) == codes


def test_every_field_of_a_status_row_is_described() -> None:
    row = status_row(progress(), NOW)
    assert [name for name in row if f"`{name}`" not in section("status")] == []


def test_every_field_that_an_update_of_a_trial_writes_is_described() -> None:
    written = queries.report([{"step": 1, "value": 0.5}], "batch")[0]["$set"]
    assert [name for name in written if f"`{name}`" not in section("db.trials")] == []
