"""``hpsearch doctor`` and ``hpsearch db check``: check a machine, its settings and a database.

``doctor`` must work when something is wrong: a part that cannot be checked is a finding among the others, and
options and variables that end other commands do not end this one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from hpsearch.cli.environment_variables import LenientOption
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import debug_option, format_options, store_option
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.report.formats import Format


@click.command(cls=Command)
@store_option(required=False, is_deferred=True)
@format_options(cls=LenientOption)
@debug_option(cls=LenientOption)
@click.pass_context
def doctor(context: click.Context, store: Callable[[], str | None], form: Format) -> None:
    """Check this machine, its settings and its database.

    The output contains no passwords or secrets. The exit code is 78 if there is a problem.
    """
    from hpsearch.cli.doctor_checks import check_all, print_findings

    log_to_stderr(logging.ERROR)
    print_findings("doctor", check_all(context, store), form)


@click.command(cls=Command)
@store_option(required=False)
@format_options()
@debug_option()
def check(store: str | None, form: Format) -> None:
    """Check a database: its servers, its security, its indexes, its documents.

    The exit code is 78 if there is a problem.
    """
    from hpsearch.cli.doctor_checks import check_database, print_findings

    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        findings = check_database(opened.uri)
    print_findings("check", findings, form)
