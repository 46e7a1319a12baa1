"""The checks behind ``hpsearch doctor`` and ``hpsearch db check``, and how their findings are printed."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from click.core import ParameterSource

from hpsearch import mongod
from hpsearch.cli.environment_variables import invalid_reason, variables
from hpsearch.cli.open_store import PATIENCE
from hpsearch.cli.store_choice import named_file
from hpsearch.diagnosis.database_findings import database_findings
from hpsearch.diagnosis.finding import Finding, Verdict, findings_text, ok, problem
from hpsearch.diagnosis.machine_findings import Setting, machine_findings, settings_findings
from hpsearch.errors import ConfigurationError, HpsearchError, NoMongodError
from hpsearch.mongod.directory import MONGOD, folder_problems
from hpsearch.objective.by_value.secret import SECRET, SECRET_FILE
from hpsearch.report.formats import Format
from hpsearch.report.table import render
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.store_uri import STORE
from hpsearch.runtime.user_data import home_path
from hpsearch.store.mongo.uri import uri_without_password

#: Variables that belong to no option.
_OTHER_VARIABLES = {SECRET, SECRET_FILE, "HPSEARCH_HOME", "HPSEARCH_MONGOD"}


def check_all(context: click.Context, store: Callable[[], str | None]) -> list[Finding]:
    """Check the machine, its settings and the database.

    Parameters
    ----------
    context : click.Context
        Of the command.
    store : callable
        Returns the URI of the database, or raises the error of its file.
    """
    return [
        *_checked("machine", _machine),
        *_checked("settings", lambda: _settings(context, store)),
        *_checked("database", lambda: _database(store())),
    ]


def check_database(uri: str) -> list[Finding]:
    """Check a database."""
    from hpsearch.store.mongo.inspection import inspect  # a broken driver is a finding, too

    return database_findings(inspect(uri, PATIENCE))


def print_findings(kind: str, findings: Sequence[Finding], form: Format) -> None:
    """Print findings; the exit code is that of a ``ConfigurationError`` if one of them is a problem.

    Parameters
    ----------
    kind : str
        Name of the schema in JSON.
    findings : sequence of Finding
        What was found.
    form : Format
        The output format.
    """
    rows = [asdict(finding) for finding in findings]
    columns = ("name", "verdict", "text", "advice")
    is_table = form is Format.TABLE
    click.echo(findings_text(findings) if is_table else render(kind, rows, columns, form))
    if any(finding.verdict is Verdict.PROBLEM for finding in findings):
        raise click.exceptions.Exit(ConfigurationError.exit_code)


def _checked(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return the findings of a check; a failure of the check is a finding too."""
    try:
        return list(check())
    except HpsearchError as error:
        return [problem(name, str(error).rstrip("."), "fix that, then run: hpsearch doctor")]
    except Exception as error:  # the other checks must run whatever is wrong with this one
        logging.getLogger(__name__).debug("a check of the doctor failed", exc_info=True)
        advice = "report that, with the output of: hpsearch doctor --debug"
        return [problem(name, f"cannot be checked: {reason(error)}", advice)]


def _machine() -> list[Finding]:
    from hpsearch.diagnosis.machine_inspection import inspect_machine

    program, program_fault = _mongod()
    home, home_faults = _home()
    shell = mongod.find_mongosh()
    machine = inspect_machine(
        mongod=program,
        mongod_fault=program_fault,
        mongosh=str(shell) if shell else None,
        home=home,
        home_faults=home_faults,
    )
    return machine_findings(machine)


def _mongod() -> tuple[str | None, str | None]:
    """Return the server program, or why the program that HPSEARCH_MONGOD names cannot be used."""
    try:
        return str(mongod.find_mongod()), None
    except NoMongodError:
        return None, None
    except ConfigurationError as error:
        return None, str(error).rstrip(".")


def _home() -> tuple[Path | None, list[str]]:
    """Return the folder for this user's data, and what is wrong with it."""
    try:
        home = home_path()
    except ConfigurationError as error:
        return None, [str(error).rstrip(".")]
    return home, [fault.rstrip(".") for fault in folder_problems(home)]


def _settings(context: click.Context, store: Callable[[], str | None]) -> list[Finding]:
    known = variables(context.find_root().command)
    names = sorted(name for name in os.environ if name.startswith("HPSEARCH_"))
    settings = [*_given_options(context, store), *_set_variables(names, known)]
    return settings_findings(settings, names, {*_OTHER_VARIABLES, *known})


def _given_options(context: click.Context, store: Callable[[], str | None]) -> Iterator[Setting]:
    if context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        yield Setting(name="--store", value=uri_without_password(store() or ""), source="the command line")
    if context.get_parameter_source("store_file") is ParameterSource.COMMANDLINE:
        yield Setting(name="--store-file", value=str(named_file(context)), source="the command line")


def _set_variables(names: Iterable[str], known: Mapping[str, click.Option]) -> Iterator[Setting]:
    """Yield the known variables that are set; the value of an unknown one may be a misplaced secret."""
    for name in names:
        value = os.environ[name]
        shown = _without_secret(name, value)
        if name in known:
            why = invalid_reason(known[name], value) if value else None
            # The reason repeats the value, which may be a misplaced URI with a password.
            fault = why if why is None or shown == value else "not a valid value of this option"
            yield Setting(name=name, value=shown, source="the environment", fault=fault)
        elif name in _OTHER_VARIABLES:
            yield Setting(name=name, value=shown, source="the environment")


def _without_secret(variable: str, value: str) -> str:
    if variable == SECRET:
        return "set"
    return uri_without_password(value) if variable == STORE or "://" in value or "@" in value else value


def _database(uri: str | None) -> list[Finding]:
    """Check a database; without a URI, the private MongoDB if it is running."""
    if uri is None:
        # mongod.status() would create the folder.
        exists = os.path.lexists(home_path() / MONGOD)
        uri = mongod.status().uri if exists else None
    if uri is None:
        return [ok("database", "the private MongoDB of this machine is not running: it starts when needed")]
    return check_database(uri)
