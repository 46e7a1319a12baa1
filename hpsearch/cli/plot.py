"""``hpsearch plot``: draw a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import option
from hpsearch.cli.query_options import reading
from hpsearch.cli.similar_names import did_you_mean
from hpsearch.report.kind_names import KIND_NAMES

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.report.plotdata.figure import Figure
    from hpsearch.report.plotdata.kinds import Kind
    from hpsearch.store.protocol import TrialStore

#: File name suffixes of pictures.
SUFFIXES = (".png", ".svg", ".pdf")

#: What is drawn of one search, and of several, unless the user chooses.
_OVERVIEW, _COMPARISON = ("history", "importance", "slice", "branches"), ("distribution",)
_OVERVIEW_OF_SEVERAL = ("front", "growth", "importance", "parallel")


def checked_suffix(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    """Refuse a file name whose suffix names no supported format.

    Parameters
    ----------
    ctx, param
        Of the option.
    value : Path
        The file.
    """
    if value.suffix.lower() in SUFFIXES:
        return value
    text = f"{str(value)!r} does not end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
    raise click.BadParameter(text, ctx, param)


@click.command(cls=Command)
@click.argument("exp_key", nargs=-1)
@option(
    "--kind",
    "kinds",
    envvar="HPSEARCH_PLOT_KIND",
    multiple=True,
    type=click.Choice(KIND_NAMES),
    help="What to draw; repeatable [default: an overview].",
)
@option(
    "--parameter",
    "labels",
    metavar="LABEL",
    envvar="HPSEARCH_PLOT_PARAMETER",
    multiple=True,
    help="Draw this parameter; repeatable [default: those that matter most].",
)
@option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=checked_suffix,
    default="plot.png",
    help="File to write: .png, .svg or .pdf.",
)
@reading
def plot(
    store: TrialStore,
    exp_key: tuple[str, ...],
    kinds: tuple[str, ...],
    labels: tuple[str, ...],
    output: Path,
) -> None:
    """Draw a search into a file (needs the extra `plot`).

    Several searches can be compared by the distribution of their losses.
    """
    from hpsearch.cli.find import find_experiment
    from hpsearch.errors import NotFoundError
    from hpsearch.report.matplotlib.figures import draw_figures
    from hpsearch.report.matplotlib.save import save_figure
    from hpsearch.report.plotdata.kinds import KINDS

    keys: list[str | None] = list(dict.fromkeys(exp_key)) or [None]
    found = [find_experiment(store, key) for key in keys]
    overview = _OVERVIEW_OF_SEVERAL if found[0].has_several_objectives else _OVERVIEW
    chosen = [KINDS[name] for name in kinds or (overview if len(found) == 1 else _COMPARISON)]
    for kind in chosen:
        _check(kind, found, labels, is_chosen=bool(kinds))
    figures = _figures(store, found, chosen, labels)
    if not any(figure.panels for figure in figures):
        raise NotFoundError(f"There is nothing to draw: {figures[0].caption}")
    # An overview leaves out what there is not; a chosen picture says why it is empty.
    shown = figures if kinds else [figure for figure in figures if figure.panels]
    save_figure(draw_figures(shown), output)
    click.echo(f"Wrote {output}.")


def _check(kind: Kind, found: Sequence[Experiment], labels: Sequence[str], *, is_chosen: bool) -> None:
    """Refuse a kind that cannot show these searches, and parameters that it cannot show."""
    from hpsearch.space.tree import Space

    if len(found) > kind.max_searches:
        most = "one search" if kind.max_searches == 1 else f"at most {kind.max_searches} searches"
        raise click.UsageError(f"--kind {kind.name} shows {most}; name fewer, or use --kind distribution.")
    if not labels:
        return
    if is_chosen and not kind.takes_parameters:
        raise click.UsageError(f"--kind {kind.name} has no --parameter.")
    for experiment in found:
        known = Space.from_json(experiment.space).labels
        for label in labels:
            if label not in known:
                hint = did_you_mean(label, known) or f" It has: {', '.join(known)}."
                raise click.UsageError(f"{experiment.exp_key} has no parameter {label!r}.{hint}")


def _figures(
    store: TrialStore, found: Sequence[Experiment], kinds: Sequence[Kind], labels: tuple[str, ...]
) -> list[Figure]:
    from hpsearch.report.read_search import read_search

    needs = {need for kind in kinds for need in kind.needs}
    sources = tuple(read_search(store, experiment, needs, labels) for experiment in found)
    return [kind.build(sources) for kind in kinds]
