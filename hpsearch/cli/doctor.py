"""``hpsearch doctor``: what a person runs first when something is wrong.

It changes nothing, but makes the folder for this user's data where there is none.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator

import click
from click.core import ParameterSource

from hpsearch import mongod
from hpsearch.cli.findings import print_findings
from hpsearch.cli.stores import patient
from hpsearch.command.options import debug_option, json_option, store_option
from hpsearch.command.store_choice import STORE, named_file
from hpsearch.diagnosis.database import judge as judge_database
from hpsearch.diagnosis.finding import Finding, ok, problem
from hpsearch.diagnosis.machine import Setting, judge, judge_settings
from hpsearch.diagnosis.surroundings import look_around
from hpsearch.errors import ConfigurationError, HpsearchError
from hpsearch.logs import log_to_stderr
from hpsearch.payload import SECRET, SECRET_FILE
from hpsearch.store.mongo.inspection import inspect
from hpsearch.store.user_uri import uri_without_password

#: Variables that belong to no option of ``hpsearch``.
_PLAIN = {SECRET, SECRET_FILE, "HPSEARCH_HOME", "HPSEARCH_MONGOD"}
_OF_MONGO_WORKER = "HPSEARCH_MONGO_WORKER_"


@click.command()
@store_option(required=False)
@json_option()
@debug_option()
@click.pass_context
def doctor(context: click.Context, store: str | None, json: bool) -> None:
    """Look this machine and its database over; what it prints holds no secret.

    Ends with exit code 78 when something is to be mended.
    """
    log_to_stderr(logging.ERROR)
    known = {*_PLAIN, *_variables(context.find_root().command, "HPSEARCH")}
    findings = [
        *judge(look_around(mongod=_mongod(), home=mongod.home())),
        *judge_settings(list(_settings(context, known)), _own_variables(), known),
        *_database(store or mongod.status().uri),
    ]
    print_findings("doctor", findings, as_json=json)


def _mongod() -> str | None:
    try:
        return str(mongod.find_mongod())
    except ConfigurationError:
        return None


def _own_variables() -> list[str]:
    """Return the names of the variables that look as if they were for hpsearch."""
    return sorted(
        name for name in os.environ if name.startswith("HPSEARCH_") and not name.startswith(_OF_MONGO_WORKER)
    )


def _settings(context: click.Context, known: Collection[str]) -> Iterator[Setting]:
    """Yield what is not left at its default; of an unknown variable, the value may be a misplaced secret."""
    if context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        text = uri_without_password(context.params["store"])
        yield Setting(name="--store", value=text, source="the command line")
    if context.get_parameter_source("store_file") is ParameterSource.COMMANDLINE:
        yield Setting(name="--store-file", value=str(named_file(context)), source="the command line")
    for name in _own_variables():
        if name in known:
            yield Setting(name=name, value=_shown(name, os.environ[name]), source="the environment")


def _shown(variable: str, value: str) -> str:
    if variable == SECRET:
        return "set"
    return uri_without_password(value) if variable == STORE or "://" in value else value


def _variables(command: click.Command, prefix: str) -> Iterator[str]:
    """Yield the environment variables of a command's options, and of its subcommands'."""
    for parameter in command.params:
        if isinstance(parameter.envvar, str):
            yield parameter.envvar
        elif parameter.name:
            yield f"{prefix}_{parameter.name}".upper()
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _variables(child, f"{prefix}_{name}".replace("-", "_"))


def _database(uri: str | None) -> list[Finding]:
    """Judge a database; one that cannot be reached is a finding like others."""
    if uri is None:
        return [ok("database", "the private MongoDB of this machine does not run: it starts when needed")]
    try:
        return judge_database(inspect(uri, patient))
    except HpsearchError as error:
        return [problem("database", str(error).rstrip("."), "mend that, then run: hpsearch db check")]
