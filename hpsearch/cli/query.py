"""``hpsearch status``, ``best``, ``trials``, ``show`` and ``workers``: print searches, and change nothing."""

from __future__ import annotations

import functools
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import click

from hpsearch.cli.find import find_experiment, read_progress
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import DURATION, AtLeast, debug_option, option, store_option
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State, Trial
from hpsearch.errors import NotFoundError, StoreUnavailableError
from hpsearch.report.rows import (
    BEST_COLUMNS,
    STATUS_COLUMNS,
    TRIAL_COLUMNS,
    WORKER_COLUMNS,
    best_text,
    listed_searches,
    status_cells,
    status_row,
    trial_cells,
    trial_text,
)
from hpsearch.report.table import Format, Row, render
from hpsearch.runtime.escaping import escaped, printable
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.store.protocol import TrialStore

Command = Callable[..., None]


def _query(command: Command) -> Command:
    """Add the options of all queries; the command gets the open store and the format."""

    @functools.wraps(command)
    def opened(store: str | None, **arguments: Any) -> None:
        form = Format(arguments.pop("format"))
        if arguments.pop("raw") and form is Format.CSV:
            form = Format.RAW_CSV
        log_to_stderr(logging.ERROR)
        with open_store(store) as database:
            command(database.store, form, **arguments)

    forms = [str(f) for f in Format if f is not Format.RAW_CSV]
    form = option("--format", type=click.Choice(forms), default="table", help="Output format.")
    raw = option(
        "--raw",
        is_flag=True,
        help="In CSV, do not protect texts that a spreadsheet would run as formulas.",
    )
    return debug_option()(form(raw(store_option(required=False)(opened))))


@click.command()
@click.argument("exp_key", required=False)
@_query
@option(
    "--all",
    "with_all",
    is_flag=True,
    envvar="HPSEARCH_STATUS_ALL",
    help="List all searches that have ended, too.",
)
@option("--watch", is_flag=True, help="Repeat until Ctrl-C.")
@option("--every", type=DURATION, default="2s", help="Time between two outputs of --watch.")
def status(
    store: TrialStore, form: Format, exp_key: str | None, with_all: bool, watch: bool, every: float
) -> None:
    """Show the progress of one search, or of all active searches and the last ones that ended."""

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


@click.command()
@click.argument("exp_key", required=False)
@_query
@option("-n", "n", type=AtLeast(1), default=1, help="Number of trials.")
def best(store: TrialStore, form: Format, exp_key: str | None, n: int) -> None:
    """Show the best trials with their parameters."""
    experiment = find_experiment(store, exp_key)
    found = list(store.trials(experiment.exp_key, sort="loss", limit=n))
    if not found:
        raise NotFoundError(f"No trial of {experiment.exp_key} has a loss yet.")
    is_one = n == 1 and form is Format.TABLE
    _print(best_text(found[0]) if is_one else _trials_text(found, BEST_COLUMNS, form))


@click.command()
@click.argument("exp_key", required=False)
@_query
@option(
    "--state",
    multiple=True,
    type=click.Choice([str(s) for s in State]),
    help="List only trials in this state; repeatable.",
)
@option(
    "--sort",
    type=click.Choice(["tid", "loss"]),
    default="tid",
    help="Sort by number, or by loss (the best first).",
)
@option("-n", "n", type=AtLeast(1), help="Largest number of trials to list.")
def trials(
    store: TrialStore, form: Format, exp_key: str | None, state: tuple[str, ...], sort: str, n: int | None
) -> None:
    """List trials."""
    experiment = find_experiment(store, exp_key)
    states = {State(s) for s in state} or None
    found = store.trials(experiment.exp_key, states=states, sort=sort, limit=n)
    _print(_trials_text(found, TRIAL_COLUMNS, form))


@click.command()
@click.argument("exp_key")
@click.argument("tid", type=AtLeast(0))
@_query
def show(store: TrialStore, form: Format, exp_key: str, tid: int) -> None:
    """Show everything about one trial."""
    trial = store.trial(find_experiment(store, exp_key).exp_key, tid)
    names = store.attachments(trial.exp_key, tid=tid)
    if form is Format.TABLE:
        _print(trial_text(trial, names))
    else:
        rows = [{**row, "attachments": names} for row in _trial_rows([trial], form)]
        _print(_table("trials", rows, TRIAL_COLUMNS, form))


@click.command()
@_query
def workers(store: TrialStore, form: Format) -> None:
    """List the workers that were active recently."""
    _print(_table("workers", [asdict(worker) for worker in store.workers()], WORKER_COLUMNS, form))


def _print(text: str) -> None:
    """Print a result; on a terminal, without control characters, which CSV contains as they are."""
    # Without color=True, click would remove escape sequences from the data.
    click.echo(printable(text) if sys.stdout.isatty() else text, color=True)


def _print_status(
    store: TrialStore, form: Format, exp_key: str | None, *, with_all: bool, clears: bool
) -> None:
    note = None
    if exp_key is not None:
        shown = [find_experiment(store, exp_key)]
    else:
        shown, n_hidden = listed_searches(store.experiments(omit_space=True), with_all=with_all)
        if not shown:
            note = "There is no search in this database yet; begin one with: hpsearch run FILE.py"
        elif n_hidden:
            note = f"{n_hidden:,} more searches have ended; --all lists them, too."
    text = _status_text(store, form, shown)
    if clears and form is Format.TABLE and sys.stdout.isatty():
        click.clear()
    _print(text)
    if note is not None:
        click.echo(note, err=True)


def _status_text(store: TrialStore, form: Format, experiments: Sequence[Experiment]) -> str:
    found, now = read_progress(store, experiments), store.now()
    rows = [status_row(progress, now) for progress in found]
    if not form.is_nested:
        rows = [status_cells(row) for row in rows]
    return _table("status", rows, STATUS_COLUMNS, form)


def _table(kind: str, rows: Sequence[Row], columns: Sequence[str], form: Format) -> str:
    """Return rows as text, at most as wide as the terminal."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return render(kind, rows, columns, form, width=width)


def _trials_text(found: Iterable[Trial], columns: tuple[str, ...], form: Format) -> str:
    return _table("trials", _trial_rows(found, form), columns, form)


def _trial_rows(found: Iterable[Trial], form: Format) -> list[dict[str, Any]]:
    return [asdict(t) if form.is_nested else trial_cells(t) for t in found]
