"""``hpsearch best``, ``trials`` and ``show``: print trials, and change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from hpsearch.cli.attachments import names_of
from hpsearch.cli.believed_trials import NOT_NOISY, read_believed_trials
from hpsearch.cli.find import find_experiment, find_trial, labels_of
from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import AtLeast, BestOrNumber, option
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.cli.similar_names import did_you_mean
from hpsearch.cli.where import selected_trials, where_option
from hpsearch.core.experiment import Experiment
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.trial import State, Trial
from hpsearch.errors import NotFoundError, SpaceError
from hpsearch.report.formats import Format
from hpsearch.report.trial_columns import (
    BEST_FIELDS,
    LIST_FIELDS,
    Column,
    all_columns,
    believed_column,
    chosen_columns,
    field_columns,
    goal_column,
    known_columns,
    trial_rows,
    used_columns,
)
from hpsearch.report.trial_page import best_text, trial_text
from hpsearch.store.protocol import TrialStore

if TYPE_CHECKING:
    from hpsearch.report.believed_trials import BelievedTrials


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
@option("-n", "n", type=AtLeast(1), default=1, help="Number of trials.")
@option(
    "--believed",
    is_flag=True,
    help="Where losses are noisy, sort by what they would be without noise.",
)
@where_option
@column_options
@query
def best(
    store: TrialStore,
    form: Format,
    exp_key: str | None,
    n: int,
    believed: bool,
    where: str | None,
    columns: str | None,
    wide: bool,
) -> None:
    """Show the best trials with their parameters.

    Where losses are noisy, the lowest loss is partly luck: the trial that is most likely best is shown,
    too, with the loss that it is believed to have without noise.
    """
    if believed and where is not None:
        raise click.UsageError("--believed has no --where.")
    experiment = find_experiment(store, exp_key)
    found = selected_trials(store, experiment, where, sort="loss", limit=n)
    if not found:
        which = "No trial" if where is None else "No selected trial"
        raise NotFoundError(f"{which} of {experiment.exp_key} has a loss yet.")
    likely = None if where is not None else _likely(store, experiment, may_be_slow=believed)
    if believed and likely is None:
        click.echo(NOT_NOISY, err=True)
    elif believed and likely is not None:
        found = [store.trial(experiment.exp_key, tid) for tid in likely.ranked[:n]]
    if n == 1 and form is Format.TABLE and not columns and not wide:
        print_result(_best_pages(store, experiment, found[0], likely))
    else:
        more = () if likely is None else (believed_column(likely, experiment.goal),)
        print_result(_list(found, experiment, form, BEST_FIELDS, columns, wide=wide, more=more))


@click.command(cls=Command)
@click.argument("exp_key", required=False)
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
    experiment = find_experiment(store, exp_key)
    states = {State(s) for s in state} or None
    found = selected_trials(store, experiment, where, states=states, sort=sort, limit=n)
    print_result(_list(found, experiment, form, LIST_FIELDS, columns, wide=wide))


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tid", metavar="best|TID", type=BestOrNumber())
@query
def show(store: TrialStore, form: Format, exp_key: str, tid: int | Literal["best"]) -> None:
    """Show everything about one trial, given its number, or about the best one."""
    experiment = find_experiment(store, exp_key)
    trial = find_trial(store, experiment.exp_key, tid)
    names = names_of(store, trial.exp_key, trial.tid)
    if form is Format.TABLE:
        print_result(trial_text(trial, names, experiment.goal))
    elif form.is_nested:
        print_result(table("trials", [{**asdict(trial), "attachments": names}], (), form))
    else:
        print_result(_list([trial], experiment, form, (), None, wide=False))


def _likely(store: TrialStore, experiment: Experiment, *, may_be_slow: bool) -> BelievedTrials | None:
    """Return what is believed of the trials; None without known noise, or if the space is damaged."""
    from hpsearch.space.tree import Space

    try:
        space = Space.from_json(experiment.space)
    except SpaceError:
        return None
    return read_believed_trials(store, experiment.exp_key, space, may_be_slow=may_be_slow)


def _best_pages(
    store: TrialStore, experiment: Experiment, trial: Trial, likely: BelievedTrials | None
) -> str:
    """Return the best trial and, if it is another one, the one that is most likely best."""
    goal = experiment.goal
    if likely is None:
        return best_text(trial, goal=goal)
    page = best_text(trial, likely.losses.get(trial.tid), goal)
    if trial.tid == likely.best:
        return page
    best = store.trial(trial.exp_key, likely.best)
    other = best_text(best, likely.losses[best.tid], goal)
    return f"{page}\n\nmost likely best, since losses are noisy:\n{other}"


def columns_named(
    text: str, trials: Sequence[Trial], labels: Sequence[str], goal: Goal = LOSS
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

    Raises
    ------
    UsageError
        If a name is unknown.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        return chosen_columns(names, trials, labels, goal)
    except KeyError as error:
        known = [
            name
            for name in known_columns(trials, labels, goal)
            if not name.startswith(("params.", "result."))
        ]
        name = str(error.args[0])
        hint = did_you_mean(name, known) or f" There are: {', '.join(sorted(known))}."
        raise click.UsageError(f"There is no column {name!r}.{hint}") from None


def _list(
    found: Sequence[Trial],
    experiment: Experiment,
    form: Format,
    fields: Iterable[str],
    columns: str | None,
    *,
    wide: bool,
    more: Sequence[Column] = (),
) -> str:
    """Return trials in a format; a table shows ``fields`` and ``more`` if the user chooses no columns."""
    goal = experiment.goal
    if columns is None and form.is_nested:
        value = () if goal.is_loss else (Column("value", goal_column(goal).read),)
        extra = trial_rows(found, [*more, *value])
        rows = [{**asdict(trial), **row} for trial, row in zip(found, extra, strict=True)]
        return table("trials", rows, (), form)
    labels = labels_of(experiment)
    if columns is not None:
        chosen = columns_named(columns, found, labels, goal)
    elif wide or form is not Format.TABLE:
        chosen = [*all_columns(found, labels, goal), *more]
    else:
        chosen = used_columns([*more, *field_columns(fields, goal)], found)
    is_cut = not (wide or columns)
    rows = trial_rows(found, chosen, is_nested=form.is_nested)
    return table("trials", rows, [c.title for c in chosen], form, is_cut=is_cut)
