"""``hpsearch status``, ``best``, ``trials``, ``show`` and ``workers``: look, change nothing."""

from __future__ import annotations

import functools
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import click

from hpsearch.cli.find import find_experiment, read_progress
from hpsearch.cli.options import DURATION, AtLeast, debug_option, option, store_option
from hpsearch.cli.stores import open_store
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State, Trial
from hpsearch.errors import NotFoundError, StoreUnavailableError
from hpsearch.report.listing import listed
from hpsearch.report.rows import (
    BEST_COLUMNS,
    STATUS_COLUMNS,
    TRIAL_COLUMNS,
    WORKER_COLUMNS,
    best_text,
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
    """Add the options of all queries; the command is called with the open store and the format."""

    @functools.wraps(command)
    def opened(store: str | None, **arguments: Any) -> None:
        form = Format(arguments.pop("format"))
        if arguments.pop("raw") and form is Format.CSV:
            form = Format.RAW_CSV
        log_to_stderr(logging.ERROR)  # the answer, or why there is none, and nothing about the way there
        with open_store(store) as database:
            command(database.store, form, **arguments)

    forms = [str(f) for f in Format if f is not Format.RAW_CSV]
    form = option("--format", type=click.Choice(forms), default="table", help="How to print.")
    raw = option(
        "--raw",
        is_flag=True,
        help="In CSV, leave texts as they are that a spreadsheet would run as formulas.",
    )
    return debug_option()(form(raw(store_option(required=False)(opened))))


@click.command()
@click.argument("exp_key", required=False)
@_query
@option(
    "--all", "with_all", is_flag=True, envvar="HPSEARCH_STATUS_ALL", help="Show all that have ended, too."
)
@option("--watch", is_flag=True, help="Print again and again, until Ctrl-C.")
@option("--every", type=DURATION, default="2s", help="Time between two prints of --watch.")
def status(
    store: TrialStore, form: Format, exp_key: str | None, with_all: bool, watch: bool, every: float
) -> None:
    """Show how far searches have come: one, or those that go on and the last that ended."""

    def answer() -> _Answer:
        return _status(store, form, exp_key, with_all=with_all)

    if not watch:
        answer().say()
        return
    with suppress(KeyboardInterrupt):
        while True:
            _show_anew(answer, form)
            time.sleep(every)


@click.command()
@click.argument("exp_key", required=False)
@_query
@option("-n", "n", type=AtLeast(1), default=1, help="How many.")
def best(store: TrialStore, form: Format, exp_key: str | None, n: int) -> None:
    """Show the best trials, with the values of their parameters."""
    experiment = find_experiment(store, exp_key)
    found = list(store.trials(experiment.exp_key, sort="loss", limit=n))
    if not found:
        raise NotFoundError(f"No trial of {experiment.exp_key} has a loss yet.")
    is_one = n == 1 and form is Format.TABLE
    _say(best_text(found[0]) if is_one else _trials_text(found, BEST_COLUMNS, form))


@click.command()
@click.argument("exp_key", required=False)
@_query
@option("--state", multiple=True, type=click.Choice([str(s) for s in State]), help="Only these; repeatable.")
@option("--sort", type=click.Choice(["tid", "loss"]), default="tid", help="By number, or best first.")
@option("-n", "n", type=AtLeast(1), help="At most so many.")
def trials(
    store: TrialStore, form: Format, exp_key: str | None, state: tuple[str, ...], sort: str, n: int | None
) -> None:
    """List trials."""
    experiment = find_experiment(store, exp_key)
    states = {State(s) for s in state} or None
    found = store.trials(experiment.exp_key, states=states, sort=sort, limit=n)
    _say(_trials_text(found, TRIAL_COLUMNS, form))


@click.command()
@click.argument("exp_key")
@click.argument("tid", type=AtLeast(0))
@_query
def show(store: TrialStore, form: Format, exp_key: str, tid: int) -> None:
    """Show everything about one trial."""
    trial = store.trial(find_experiment(store, exp_key).exp_key, tid)
    names = store.attachments(trial.exp_key, tid=tid)
    if form is Format.TABLE:
        _say(trial_text(trial, names))
    else:
        rows = [{**row, "attachments": names} for row in _trial_rows([trial], form)]
        _say(_table("trials", rows, TRIAL_COLUMNS, form))


@click.command()
@_query
def workers(store: TrialStore, form: Format) -> None:
    """List the workers that were seen of late."""
    _say(_table("workers", [asdict(worker) for worker in store.workers()], WORKER_COLUMNS, form))


def _say(text: str) -> None:
    """Print an answer. CSV keeps every character for programs, but those that a terminal obeys from it."""
    # Not told that there is colour, click would take out of the data what looks like it.
    click.echo(printable(text) if sys.stdout.isatty() else text, color=True)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a command prints."""

    text: str
    note: str | None = None  #: beside it

    def say(self) -> None:
        """Print the answer; the note where no program reads it."""
        _say(self.text)
        if self.note is not None:
            click.echo(self.note, err=True)


def _show_anew(answer: Callable[[], _Answer], form: Format) -> None:
    """Print the status in place of the last one; what is watched for days outlasts an outage."""
    try:
        found = answer()
    except StoreUnavailableError as error:
        click.echo(f"hpsearch: {escaped(str(error))} Still watching.", err=True)
        return
    if form is Format.TABLE and sys.stdout.isatty():
        click.clear()
    found.say()


def _status(store: TrialStore, form: Format, exp_key: str | None, *, with_all: bool) -> _Answer:
    if exp_key is not None:
        return _Answer(_status_text(store, form, [find_experiment(store, exp_key)]))
    shown, n_hidden = listed(store.experiments(omit_space=True), with_all=with_all)
    note = f"{n_hidden:,} more searches have ended; --all shows them, too." if n_hidden else None
    if not shown:
        note = "There is no search in this database yet; begin one with: hpsearch run FILE.py"
    return _Answer(_status_text(store, form, shown), note)


def _status_text(store: TrialStore, form: Format, experiments: Sequence[Experiment]) -> str:
    found, now = read_progress(store, experiments), store.now()
    rows = [status_row(progress, now) for progress in found]
    if not form.is_nested:
        rows = [status_cells(row) for row in rows]
    return _table("status", rows, STATUS_COLUMNS, form)


def _table(kind: str, rows: Sequence[Row], columns: Sequence[str], form: Format) -> str:
    """Return rows as text, on a terminal as wide as that."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return render(kind, rows, columns, form, width=width)


def _trials_text(found: Iterable[Trial], columns: tuple[str, ...], form: Format) -> str:
    return _table("trials", _trial_rows(found, form), columns, form)


def _trial_rows(found: Iterable[Trial], form: Format) -> list[dict[str, Any]]:
    return [asdict(t) if form.is_nested else trial_cells(t) for t in found]
