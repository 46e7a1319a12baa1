"""``hpsearch report``: a search as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import option
from hpsearch.cli.query_options import reading

if TYPE_CHECKING:
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default="report.html",
    help="File to write.",
)
@reading
def report(store: TrialStore, exp_key: str | None, output: Path) -> None:
    """Write a search as one HTML file to send or keep: results, pictures, what matters, what failed.

    The file needs no network and no other file.
    """
    from hpsearch.cli.find import find_experiment
    from hpsearch.errors import ConfigurationError
    from hpsearch.report.html.contents import read_contents, report_files
    from hpsearch.report.html.page import report_page

    page = report_page(read_contents(store, find_experiment(store, exp_key)), report_files())
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"The report cannot be written to {output}: {reason}.") from error
    click.echo(f"Wrote {output}.")
