"""``hpsearch attachments``: list and fetch what trials attached, such as models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hpsearch.cli.find import find_experiment, find_trial
from hpsearch.cli.help_pages import Group
from hpsearch.cli.options import BestOrNumber, option
from hpsearch.cli.query_options import print_result, query, reading, table
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.report.formats import Format
from hpsearch.runtime.escaping import named, reason

if TYPE_CHECKING:
    from hpsearch.store.protocol import TrialStore

#: Names that a message lists.
_MAX_NAMES = 10


@click.group("attachments", cls=Group)
def attachments_group() -> None:
    """List and fetch the attachments of trials, such as models."""


@attachments_group.command("list")
@click.argument("exp_key")
@click.argument("tid", metavar="best|TID", type=BestOrNumber())
@query
def list_attachments(store: TrialStore, form: Format, exp_key: str, tid: int | Literal["best"]) -> None:
    """List the attachments of a trial."""
    trial = find_trial(store, find_experiment(store, exp_key).exp_key, tid)
    rows = [{"tid": trial.tid, "name": name} for name in names_of(store, trial.exp_key, trial.tid)]
    if form is Format.TABLE and not rows:
        click.echo(f"Trial {trial.id} has no attachments.", err=True)
        return
    print_result(table("attachments", rows, ("tid", "name"), form))


@attachments_group.command("get")
@click.argument("exp_key")
@click.argument("tid", metavar="best|TID", type=BestOrNumber())
@click.argument("name")
@option(
    "--output",
    type=click.Path(dir_okay=False),
    help="File to write; - for stdout, which is the default unless it is a terminal.",
)
@reading
def get(store: TrialStore, exp_key: str, tid: int | Literal["best"], name: str, output: str | None) -> None:
    """Write an attachment of a trial to a file."""
    trial = find_trial(store, find_experiment(store, exp_key).exp_key, tid)
    if output is None and sys.stdout.isatty():
        raise click.UsageError("An attachment is not printed on a terminal: name a file with --output FILE.")
    try:
        data = store.attachment(trial.exp_key, name, tid=trial.tid)
    except NotFoundError:
        known = names_of(store, trial.exp_key, trial.tid)
        listed = ", ".join(map(named, known[:_MAX_NAMES])) + (", ..." if len(known) > _MAX_NAMES else "")
        raise NotFoundError(
            f"Trial {trial.id} has no attachment {named(name)}; it has {listed or 'none'}."
        ) from None
    if output in {None, "-"}:
        sys.stdout.buffer.write(data)
        return
    try:
        Path(str(output)).write_bytes(data)
    except OSError as error:
        raise ConfigurationError(f"The file {output} cannot be written ({reason(error)}).") from None
    click.echo(f"{output}: {len(data):,} bytes", err=True)


def names_of(store: TrialStore, exp_key: str, tid: int) -> list[str]:
    """Return the names of a trial's attachments, without its output.

    Parameters
    ----------
    store : TrialStore
        The store.
    exp_key : str
        Name of the experiment.
    tid : int
        Number of the trial.
    """
    from hpsearch.core.trial import OUTPUT_NAME

    return [name for name in store.attachments(exp_key, tid=tid) if name != OUTPUT_NAME]
