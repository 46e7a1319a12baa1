"""``hpsearch fleet``: workers on several machines, over SSH."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpsearch.cli.help_pages import Command, Group
from hpsearch.cli.options import DURATION, AtLeast, debug_option, format_options, option, store_option
from hpsearch.runtime.escaping import escaped

if TYPE_CHECKING:
    from hpsearch.fleet.hosts import Answer
    from hpsearch.report.formats import Format

F = TypeVar("F", bound=Callable[..., Any])

#: The columns of a table of workers.
_COLUMNS = ("host", "worker", "state", "pid", "note")

#: Exit code if a host cannot be reached.
_UNREACHABLE = 69


@click.group("fleet", cls=Group)
def fleet_group() -> None:
    """Start, stop and look at workers on several machines.

    FLEET.toml lists the hosts; they are reached by the ssh of this machine, with its keys and its
    settings. A host that cannot be reached does not stop the others; the exit code is then 69.
    """


def _file(command: F) -> F:
    return click.argument("fleet_file", metavar="FLEET.toml", type=click.Path(dir_okay=False))(command)


@fleet_group.command(cls=Command)
@_file
@format_options()
@store_option(required=True)
@debug_option()
def start(fleet_file: str, form: Format, store: str) -> None:
    """Start the workers that are not running yet.

    The URI of the database is written into a file on each host that only its user can read.
    """
    from hpsearch.fleet import hosts
    from hpsearch.fleet.fleet_file import read_fleet

    _show_workers(hosts.start(read_fleet(Path(fleet_file)), store), form)


@fleet_group.command(cls=Command)
@_file
@option("--wait", type=DURATION, default="60s", help="Time to wait for running trials to finish.")
@format_options()
@debug_option()
def stop(fleet_file: str, wait: float, form: Format) -> None:
    """Drain the workers: running trials finish, or are given back."""
    from hpsearch.fleet import hosts
    from hpsearch.fleet.fleet_file import read_fleet

    _show_workers(hosts.stop(read_fleet(Path(fleet_file)), math.ceil(wait)), form)


@fleet_group.command(cls=Command)
@_file
@format_options()
@debug_option()
def status(fleet_file: str, form: Format) -> None:
    """Show which workers run, with the last line of each log."""
    from hpsearch.fleet import hosts
    from hpsearch.fleet.fleet_file import read_fleet

    _show_workers(hosts.status(read_fleet(Path(fleet_file))), form)


@fleet_group.command(cls=Command)
@_file
@option("--lines", type=AtLeast(1), default=20, help="Lines of each log.")
@debug_option()
def logs(fleet_file: str, lines: int) -> None:
    """Print the end of the log of each worker."""
    from hpsearch.fleet import hosts
    from hpsearch.fleet.fleet_file import read_fleet

    answers = hosts.logs(read_fleet(Path(fleet_file)), lines)
    for answer in answers:
        for line in answer.lines:
            click.echo(f"{answer.host}: {escaped(line)}")
    _exit(answers)


def _show_workers(answers: Sequence[Answer], form: Format) -> None:
    from hpsearch.cli.query_options import print_result, table

    rows = [asdict(worker) for answer in answers for worker in answer.workers()]
    print_result(table("fleet", rows, _COLUMNS, form))
    _exit(answers)


def _exit(answers: Sequence[Answer]) -> None:
    """Print the hosts that did not do what was asked; end with an exit code that says so."""
    problems = [answer.problem for answer in answers if answer.problem is not None]
    for problem in problems:
        click.echo(escaped(problem), err=True)
    if problems:
        click.get_current_context().exit(_UNREACHABLE)
