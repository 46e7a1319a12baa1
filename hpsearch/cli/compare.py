"""``hpsearch compare``: searches side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.report.formats import Format

if TYPE_CHECKING:
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", nargs=-1, required=True)
@query
def compare(store: TrialStore, form: Format, exp_key: tuple[str, ...]) -> None:
    """Compare two or more searches: results, cost, and the best loss after equal numbers of trials.

    Where the objectives or the spaces differ, it says so: their losses may not be comparable.
    """
    from hpsearch.report.comparison import comparison_cells, comparison_rows, record_of
    from hpsearch.report.progress_reading import read_progress

    keys = list(dict.fromkeys(exp_key))
    if len(keys) < 2:
        raise click.UsageError("Name two or more searches to compare.")
    found = [find_experiment(store, key) for key in keys]
    records = [
        record_of(progress, store.points(progress.experiment.exp_key))
        for progress in read_progress(store, found)
    ]
    rows = comparison_rows(records)
    shown = [comparison_cells(row) for row in rows] if form is Format.TABLE else rows
    print_result(table("comparison", shown, ("fact", *keys), form))
    for name, kinds in (
        ("spaces", {experiment.space_fingerprint for experiment in found}),
        ("metrics", {experiment.goal for experiment in found}),
        ("objectives", {experiment.objective.identity for experiment in found}),
    ):
        if len(kinds) > 1:
            click.echo(f"The {name} of these searches differ.", err=True)
