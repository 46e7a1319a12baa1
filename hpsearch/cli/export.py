"""``hpsearch export``: write the trials of a search to a file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from hpsearch.cli.find import find_experiment, labels_of
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.cli.where import selected_trials, where_option
from hpsearch.errors import ConfigurationError, SpaceError
from hpsearch.report.formats import Format
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.runtime.strict_json import json_text

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.trial import Trial

#: The formats, which are also the ends of the names of files.
FORMATS = ("csv", "jsonl", "parquet")


@click.command(cls=Command)
@click.argument("exp_key")
@option("--output", metavar="FILE", required=True, help="File to write.")
@option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    envvar="HPSEARCH_EXPORT_FORMAT",
    help="Format of the file [default: by its end, .csv, .jsonl or .parquet].",
)
@option(
    "--raw",
    is_flag=True,
    envvar="HPSEARCH_RAW",
    help="In CSV, do not protect texts that a spreadsheet would run as formulas.",
)
@where_option
@store_option(required=False)
@debug_option()
def export(
    exp_key: str, output: str, form: str | None, raw: bool, where: str | None, store: str | None
) -> None:
    """Write the trials of a search to a file.

    CSV and Parquet have a column for each field, parameter and metric; JSONL has the whole
    documents, one a line. Parquet needs the extra `parquet`.
    """
    from hpsearch.report.text import count_text

    kind = form or Path(output).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise click.UsageError(
            f"The format of {output!r} is not known: end its name with .csv, .jsonl or .parquet."
        )
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened, _complete_file(output) as file:
        experiment = find_experiment(opened.store, exp_key)
        found = (
            opened.store.trials(exp_key)
            if where is None
            else selected_trials(opened.store, experiment, where)
        )
        if kind == "jsonl":
            n_trials = _write_documents(found, file)
        elif kind == "parquet":
            n_trials = _write_parquet(list(found), experiment, file)
        else:
            n_trials = _write_table(list(found), experiment, file, is_raw=raw)
    click.echo(f"{output}: {count_text(n_trials, 'trial')}", err=True)


def _write_documents(trials: Iterable[Trial], file: IO[bytes]) -> int:
    """Write a line for each trial, which need not fit into memory together; return how many."""
    from hpsearch.core.trial_fields import stored_fields

    n_trials = 0
    for trial in trials:
        file.write(f"{json_text(stored_fields(trial))}\n".encode())
        n_trials += 1
    return n_trials


def _write_table(trials: list[Trial], experiment: Experiment, file: IO[bytes], *, is_raw: bool) -> int:
    from hpsearch.report.table import render
    from hpsearch.report.trial_columns import all_columns, trial_rows

    columns = all_columns(trials, labels_of(experiment), experiment.goal, experiment.outcomes)
    form = Format.RAW_CSV if is_raw else Format.CSV
    text = render("trials", trial_rows(trials, columns), [column.title for column in columns], form)
    file.write(f"{text}\n".encode())
    return len(trials)


def _write_parquet(trials: list[Trial], experiment: Experiment, file: IO[bytes]) -> int:
    from hpsearch.report.parquet import write_parquet
    from hpsearch.space.tree import Space

    try:
        space = Space.from_json(experiment.space)
    except SpaceError:
        space = None
    write_parquet(trials, experiment, space, file)
    return len(trials)


@contextmanager
def _complete_file(path: str) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name when it is complete; an older one is kept until then.

    Raises
    ------
    ConfigurationError
        If it cannot be written.
    """
    part = Path(f"{path}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ConfigurationError(f"The file {path} cannot be written ({reason(error)}).") from None
    finally:
        part.unlink(missing_ok=True)
