"""``hpsearch import-optuna``: import a search that began under Optuna."""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.import_hyperopt import MAX_PRINTED
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import debug_option, option, store_option
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.escaping import escaped, reason
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.integrations.optuna.importing import Imported
    from hpsearch.space.tree import Space


@click.command("import-optuna", cls=Command)
@click.argument("source")
@option("--study", metavar="NAME", help="Name of the study [default: the only one].")
@option("--into", metavar="NAME", help="Name of the new experiment [default: that of the study].")
@option(
    "--space",
    metavar="REF",
    help="The search space: a TOML or JSON file, file.py:name or package.module:name "
    "[default: reconstructed from the trials].",
)
@option(
    "--objective",
    type=click.IntRange(0),
    help="Which value of a study with several is minimised or maximised, from 0.",
)
@option("--skip-invalid", is_flag=True, help="Skip complete trials whose parameters do not fit the space.")
@option("--write-space", metavar="FILE", help="Write the reconstructed space to this JSON file.")
@store_option(required=False)
@debug_option()
def import_optuna(
    source: str,
    study: str | None,
    into: str | None,
    space: str | None,
    objective: int | None,
    skip_invalid: bool,
    write_space: str | None,
    store: str | None,
) -> None:
    """Import the trials of a study of Optuna.

    SOURCE is a SQLite file or sqlite:///FILE, a journal file, or, if Optuna is installed, any URL
    that it takes. Continue the search with `hpsearch run TARGET --exp-key NAME`, or with
    hpsearch.open. Finished trials count, enqueued ones are evaluated. Importing again adds only
    new trials.
    """
    from hpsearch.integrations.optuna.importing import import_study, study_of

    log_to_stderr(logging.WARNING)
    if space is not None and write_space is not None:
        raise click.UsageError("--write-space writes the reconstructed space, which --space replaces.")
    wanted = None if space is None else _loaded(space)
    found = study_of(source, study)
    with open_store(store) as opened:
        done = import_study(
            opened.store, found, into, space=wanted, objective=objective, skips_invalid=skip_invalid
        )
    if write_space is not None and done.space is not None:
        _write(write_space, done.space)
    _report(done, len(found.trials), write_space or space)
    if write_space is not None and done.space is None:
        raise ConfigurationError(f"{done.exp_key} existed already, so its space was not written.")


def _loaded(reference: str) -> Space:
    from hpsearch.objective.loading import load, parse_space
    from hpsearch.runtime.user_code import preserve_process_state
    from hpsearch.space.tree import Space

    with preserve_process_state():
        return Space(load(parse_space(None, reference)))


def _write(path: str, space: Mapping[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(space, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {reason(error)}.") from error


def _report(done: Imported, n_trials: int, space: str | None) -> None:
    for sentence in (*done.notes, *(f"Skipped: {one}" for one in done.skipped[:MAX_PRINTED])):
        click.echo(escaped(sentence), err=True)
    if len(done.skipped) > MAX_PRINTED:
        click.echo(f"Skipped: {len(done.skipped) - MAX_PRINTED} more.", err=True)
    n_new = sum(done.counts.values())
    states = ", ".join(f"{n} {state}" for state, n in sorted(done.counts.items()))
    text = f"{n_new} of {n_trials} trials imported" + (f" ({states})" if states else "")
    click.echo(f"{escaped(done.exp_key)}: {text}, {done.n_here} existed already.")
    given = f" --space {shlex.quote(space or 'FILE')}"
    click.echo(f"Go on with: hpsearch run TARGET --exp-key {shlex.quote(done.exp_key)}{given}", err=True)
