"""``hpsearch doctor``: what a person runs first when something is wrong.

It changes nothing, and survives whatever it is to find: each part that fails is a finding among
the others. So options and variables that would end another command do not end this one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click
from click.core import ParameterSource

from hpsearch import mongod
from hpsearch.cli.findings import print_findings
from hpsearch.cli.options import debug_option, json_option, store_option
from hpsearch.cli.store_choice import STORE, named_file
from hpsearch.cli.stores import PATIENCE
from hpsearch.cli.variables import LenientOption, invalid_reason, variables
from hpsearch.diagnosis.database import judge as judge_database
from hpsearch.diagnosis.finding import Finding, ok, problem
from hpsearch.diagnosis.machine import Setting, judge, judge_settings
from hpsearch.diagnosis.surroundings import look_around
from hpsearch.errors import ConfigurationError, HpsearchError, NoMongodError
from hpsearch.mongod.directory import MONGOD, faults, home_path
from hpsearch.objective.by_value import SECRET, SECRET_FILE
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.store.mongo.inspection import inspect
from hpsearch.store.mongo.uri import uri_without_password

#: Variables that belong to no option.
_PLAIN = {SECRET, SECRET_FILE, "HPSEARCH_HOME", "HPSEARCH_MONGOD"}


@click.command()
@store_option(required=False, is_deferred=True)
@json_option(cls=LenientOption)
@debug_option(cls=LenientOption)
@click.pass_context
def doctor(context: click.Context, store: Callable[[], str | None], json: bool) -> None:
    """Look this machine and its database over; what it prints holds no secret.

    Ends with exit code 78 when something is to be mended.
    """
    log_to_stderr(logging.ERROR)
    findings = [
        *_looked("machine", _machine),
        *_looked("settings", lambda: _settings(context, store)),
        *_looked("database", lambda: _database(store())),
    ]
    print_findings("doctor", findings, as_json=json)


def _looked(name: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what a look finds; that it cannot look is a finding, too."""
    try:
        return list(look())
    except HpsearchError as error:
        return [problem(name, str(error).rstrip("."), "fix that, then run: hpsearch doctor")]
    except Exception as error:  # whatever is wrong here, the other parts are to be seen
        logging.getLogger(__name__).debug("the doctor failed", exc_info=True)
        return [
            problem(
                name, f"could not be looked at: {reason(error)}", "report that, with: hpsearch doctor --debug"
            )
        ]


def _machine() -> list[Finding]:
    program, program_fault = _mongod()
    home, faults = _home()
    return judge(look_around(mongod=program, mongod_fault=program_fault, home=home, home_faults=faults))


def _mongod() -> tuple[str | None, str | None]:
    """Return the server program, or why there is none although one was named."""
    try:
        return str(mongod.find_mongod()), None
    except NoMongodError:
        return None, None
    except ConfigurationError as error:
        return None, str(error).rstrip(".")


def _home() -> tuple[Path | None, list[str]]:
    """Return where the folder for this user's data is, and what is wrong with it."""
    try:
        home = home_path()
    except ConfigurationError as error:
        return None, [str(error).rstrip(".")]
    return home, [fault.rstrip(".") for fault in faults(home)]


def _settings(context: click.Context, store: Callable[[], str | None]) -> list[Finding]:
    known = variables(context.find_root().command)
    own = sorted(name for name in os.environ if name.startswith("HPSEARCH_"))
    settings = [*_given(context, store), *_set(own, known)]
    return judge_settings(settings, own, {*_PLAIN, *known})


def _given(context: click.Context, store: Callable[[], str | None]) -> Iterator[Setting]:
    """Yield what the command line names."""
    if context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        yield Setting(name="--store", value=uri_without_password(store() or ""), source="the command line")
    if context.get_parameter_source("store_file") is ParameterSource.COMMANDLINE:
        yield Setting(name="--store-file", value=str(named_file(context)), source="the command line")


def _set(own: Iterable[str], known: Mapping[str, click.Option]) -> Iterator[Setting]:
    """Yield what variables hold; of an unknown one, that may be a misplaced secret."""
    for name in own:
        value = os.environ[name]
        shown = _shown(name, value)
        if name in known:
            why = invalid_reason(known[name], value) if value else None
            # The reason repeats the value, which may be an address in the wrong place.
            fault = why if why is None or shown == value else "it is no value of this option"
            yield Setting(name=name, value=shown, source="the environment", fault=fault)
        elif name in _PLAIN:
            yield Setting(name=name, value=shown, source="the environment")


def _shown(variable: str, value: str) -> str:
    if variable == SECRET:
        return "set"
    return uri_without_password(value) if variable == STORE or "://" in value or "@" in value else value


def _database(uri: str | None) -> list[Finding]:
    """Judge a database; without an address, the private one, if it runs."""
    if uri is None:
        # Asking for its state would make its folder.
        is_there = os.path.lexists(home_path() / MONGOD)
        uri = mongod.status().uri if is_there else None
    if uri is None:
        return [ok("database", "the private MongoDB of this machine does not run: it starts when needed")]
    return judge_database(inspect(uri, PATIENCE))
