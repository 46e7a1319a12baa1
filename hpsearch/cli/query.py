"""``hpsearch status`` and ``workers``: print searches and workers, and change nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import DURATION, option
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.errors import StoreUnavailableError
from hpsearch.report.formats import Format
from hpsearch.runtime.escaping import escaped

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.trial import Trial
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@option(
    "--all",
    "with_all",
    is_flag=True,
    envvar="HPSEARCH_STATUS_ALL",
    help="List all searches that have ended, too.",
)
@option("--watch", is_flag=True, help="Repeat until Ctrl-C.")
@option("--every", type=DURATION, default="2s", help="Time between two outputs of --watch.")
@query
def status(
    store: TrialStore, form: Format, exp_key: str | None, with_all: bool, watch: bool, every: float
) -> None:
    """Show the progress of one search, or list the searches that have not ended.

    Where all have ended, it lists the last ones.
    """

    def show() -> None:
        _print_status(store, form, exp_key, with_all=with_all, clears=watch)

    if not watch:
        show()
        return
    with suppress(KeyboardInterrupt):
        while True:
            try:
                show()
            except StoreUnavailableError as error:  # a status that is watched for days survives an outage
                click.echo(f"hpsearch: {escaped(str(error))} Still watching.", err=True)
            time.sleep(every)


@click.command(cls=Command)
@option("--exp-key", metavar="KEY", help="List only workers that serve this search.")
@query
def workers(store: TrialStore, form: Format, exp_key: str | None) -> None:
    """List the workers that were active recently, live ones first, and what each evaluates now."""
    from hpsearch.report.rows import WORKER_COLUMNS, WORKER_TABLE_COLUMNS, worker_cells, worker_rows

    found = store.workers()
    if exp_key is not None:
        find_experiment(store, exp_key)
        found = [worker for worker in found if worker.serves(exp_key)]
    rows = worker_rows(found, _running(store), store.now())
    if form is Format.TABLE and not rows:
        click.echo("No worker is registered; start one with: hpsearch worker --store URI", err=True)
        return
    if form is Format.TABLE:
        print_result(table("workers", [worker_cells(row) for row in rows], WORKER_TABLE_COLUMNS, form))
    else:
        print_result(table("workers", rows, WORKER_COLUMNS, form))


def _running(store: TrialStore) -> list[Trial]:
    """Return the running trials of all searches that have not ended."""
    from hpsearch.core.experiment import ExperimentState
    from hpsearch.core.trial import State

    active = store.experiments({ExperimentState.RUNNING, ExperimentState.PAUSED}, omit_space=True)
    return [trial for e in active for trial in store.trials(e.exp_key, states={State.RUNNING})]


def _print_status(
    store: TrialStore, form: Format, exp_key: str | None, *, with_all: bool, clears: bool
) -> None:
    from hpsearch.report.rows import listed_searches

    note = None
    if exp_key is not None:
        shown = [find_experiment(store, exp_key)]
    else:
        shown, n_hidden = listed_searches(store.experiments(omit_space=True), with_all=with_all)
        if not shown:
            note = "There is no search in this database yet; begin one with: hpsearch run FILE.py"
        elif n_hidden:
            note = f"{n_hidden:,} more searches have ended; --all lists them, too."
    text = _status_text(store, form, shown, is_page=exp_key is not None)
    if clears and form is Format.TABLE and sys.stdout.isatty():
        click.clear()
    print_result(text)
    if note is not None:
        click.echo(note, err=True)


def _status_text(store: TrialStore, form: Format, experiments: Sequence[Experiment], *, is_page: bool) -> str:
    from hpsearch.report.progress_reading import read_progress
    from hpsearch.report.rows import STATUS_COLUMNS, STATUS_TABLE_COLUMNS, status_cells, status_row
    from hpsearch.report.search_page import search_text

    found, now = read_progress(store, experiments, with_forecast=is_page), store.now()
    if is_page and form is Format.TABLE:
        return search_text(found[0], now)
    rows = [status_row(progress, now) for progress in found]
    if form is Format.TABLE:
        return table("status", [status_cells(row) for row in rows], STATUS_TABLE_COLUMNS, form)
    return table("status", rows, STATUS_COLUMNS, form)
