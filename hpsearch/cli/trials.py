"""``hpsearch trials`` and ``show``: print trials, and change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from hpsearch.cli.attachments import names_of
from hpsearch.cli.find import find_experiment, find_trial, labels_of
from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import AtLeast, BestOrNumber, option
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.cli.similar_names import did_you_mean
from hpsearch.cli.where import selected_trials, where_option
from hpsearch.core.choices import STATES
from hpsearch.report.formats import Format

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.goal import Goal
    from hpsearch.core.outcomes import Outcomes
    from hpsearch.core.trial import Trial
    from hpsearch.report.trial_columns import Column
    from hpsearch.store.protocol import TrialStore


def column_options(command: Any) -> Any:
    """Add the options that choose the columns of a list of trials."""
    columns = option(
        "--columns",
        metavar="A,B,...",
        help="Show these columns: fields, parameters, and metrics that the objective returned.",
    )
    wide = option(
        "--wide", is_flag=True, help="Show a column for each parameter and metric, and cut nothing."
    )
    return columns(wide(command))


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@option(
    "--state",
    multiple=True,
    type=click.Choice(STATES),
    help="List only trials in this state; repeatable.",
)
@option(
    "--sort",
    type=click.Choice(["tid", "loss"]),
    default="tid",
    help="Sort by number, or by loss (the best first).",
)
@option("-n", "n", type=AtLeast(1), help="Largest number of trials to list.")
@where_option
@column_options
@query
def trials(
    store: TrialStore,
    form: Format,
    exp_key: str | None,
    state: tuple[str, ...],
    sort: str,
    n: int | None,
    where: str | None,
    columns: str | None,
    wide: bool,
) -> None:
    """List trials.

    The origin of a trial is the algorithm that suggested it: gp (a Gaussian process), tpe, anneal,
    repeat, random or sobol; `hpsearch show` explains it.
    """
    from hpsearch.core.trial import State
    from hpsearch.report.trial_columns import LIST_FIELDS

    experiment = find_experiment(store, exp_key)
    states = {State(s) for s in state} or None
    found = selected_trials(store, experiment, where, states=states, sort=sort, limit=n)
    print_result(trial_list(found, experiment, form, LIST_FIELDS, columns, wide=wide))


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tid", metavar="best|TID", type=BestOrNumber())
@query
def show(store: TrialStore, form: Format, exp_key: str, tid: int | Literal["best"]) -> None:
    """Show everything about one trial, given its number, or about the best one."""
    from hpsearch.core.trial_fields import stored_fields
    from hpsearch.report.trial_page import trial_text

    experiment = find_experiment(store, exp_key)
    trial = find_trial(store, experiment.exp_key, tid)
    names = names_of(store, trial.exp_key, trial.tid)
    if form is Format.TABLE:
        print_result(trial_text(trial, names, experiment.goal, experiment.outcomes))
    elif form.is_nested:
        print_result(table("trials", [{**stored_fields(trial), "attachments": names}], (), form))
    else:
        print_result(trial_list([trial], experiment, form, (), None, wide=False))


def columns_named(
    text: str,
    trials: Sequence[Trial],
    labels: Sequence[str],
    goal: Goal,
    outcomes: Outcomes | None = None,
) -> list[Column]:
    """Return the columns of a list of trials that a user named.

    Parameters
    ----------
    text : str
        Their names, separated by commas.
    trials : sequence of Trial
        The trials of the list, whose parameters and metrics count.
    labels : sequence of str
        The parameters of the space.
    goal : Goal
        That of the search.
    outcomes : Outcomes, optional
        Those of the search.

    Raises
    ------
    UsageError
        If a name is unknown.
    """
    from hpsearch.report.trial_columns import chosen_columns, known_columns

    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        return chosen_columns(names, trials, labels, goal, outcomes)
    except KeyError as error:
        known = [
            name
            for name in known_columns(trials, labels, goal, outcomes)
            if not name.startswith(("params.", "result."))
        ]
        name = str(error.args[0])
        hint = did_you_mean(name, known) or f" There are: {', '.join(sorted(known))}."
        raise click.UsageError(f"There is no column {name!r}.{hint}") from None


def trial_list(
    found: Sequence[Trial],
    experiment: Experiment,
    form: Format,
    fields: Iterable[str],
    columns: str | None,
    *,
    wide: bool,
    more: Sequence[Column] = (),
    kind: str = "trials",
) -> str:
    """Return trials in a format; a table shows ``fields`` and ``more`` if the user chooses no columns.

    Parameters
    ----------
    found : sequence of Trial
        The trials.
    experiment : Experiment
        Their search.
    form : Format
        The format.
    fields : iterable of str
        The fields of a table.
    columns : str or None
        The columns that a user named.
    wide : bool
        Whether a table has all columns.
    more : sequence of Column
        Further columns.
    kind : str
        What the rows are in JSON.
    """
    from hpsearch.core.trial_fields import stored_fields
    from hpsearch.report.trial_columns import (
        Column,
        all_columns,
        field_columns,
        goal_column,
        trial_rows,
        used_columns,
    )

    goal = experiment.goal
    if columns is None and form.is_nested:
        is_shown = not goal.is_loss and not experiment.has_several_objectives
        value = (Column("value", goal_column(goal).read),) if is_shown else ()
        extra = trial_rows(found, [*more, *value])
        rows = [{**stored_fields(trial), **row} for trial, row in zip(found, extra, strict=True)]
        return table(kind, rows, (), form)
    labels = labels_of(experiment)
    if columns is not None:
        chosen = columns_named(columns, found, labels, goal, experiment.outcomes)
    elif wide or form is not Format.TABLE:
        chosen = [*all_columns(found, labels, goal, experiment.outcomes), *more]
    else:
        chosen = used_columns([*more, *field_columns(fields, goal, experiment.outcomes)], found)
    is_cut = not (wide or columns)
    rows = trial_rows(found, chosen, is_nested=form.is_nested)
    return table(kind, rows, [c.title for c in chosen], form, is_cut=is_cut)
