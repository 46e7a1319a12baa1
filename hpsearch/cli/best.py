"""``hpsearch best``: print the best trials, or the front of several objectives, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hpsearch.cli.believed_trials import NOT_NOISY, read_believed_trials
from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import AtLeast, option
from hpsearch.cli.query_options import print_result, query
from hpsearch.cli.similar_names import did_you_mean
from hpsearch.cli.trials import column_options, trial_list
from hpsearch.cli.where import selected_trials, where_option
from hpsearch.errors import NotFoundError, SpaceError
from hpsearch.report.formats import Format

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.standing import Front, Standing
    from hpsearch.core.trial import Trial
    from hpsearch.report.believed_trials import BelievedTrials
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@option(
    "-n",
    "n",
    type=AtLeast(1),
    help="Number of trials; of a front, those that show it best [default: 1, or the whole front].",
)
@option("--by", metavar="NAME", help="Sort a front by this objective [default: the first one].")
@option("--knee", is_flag=True, help="Of a front, show the trial that gives up least in any objective.")
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
    n: int | None,
    by: str | None,
    knee: bool,
    believed: bool,
    where: str | None,
    columns: str | None,
    wide: bool,
) -> None:
    """Show the best trials with their parameters.

    Of a search with several objectives, this is the front: the trials that no other trial beats in all
    of them. A trial that exceeds a limit is never among the best; where no trial keeps all limits, the
    one that exceeds them least is shown, with exit code 1.

    Where losses are noisy, the lowest loss is partly luck: the trial that is most likely best is shown,
    too, with the loss that it is believed to have without noise.
    """
    from hpsearch.report.trial_columns import BEST_FIELDS, believed_column

    if believed and where is not None:
        raise click.UsageError("--believed has no --where.")
    experiment = find_experiment(store, exp_key)
    if experiment.has_several_objectives:
        if believed:
            raise click.UsageError("--believed needs one objective.")
        from hpsearch.report.progress_reading import full_trials

        front = _front(store, experiment, where)
        trials = full_trials(store, _chosen(front, n, by, is_knee=knee))
        _print_front(front, trials, experiment, form, columns, wide=wide, is_knee=knee)
        return
    if by is not None or knee:
        raise click.UsageError(f"--by and --knee need several objectives; {experiment.exp_key} has one.")
    n = n or 1
    found = selected_trials(store, experiment, where, sort="loss", limit=n)
    if not found:
        which = "No trial" if where is None else "No selected trial"
        if experiment.outcomes is not None:
            _leave_without_feasible(store, experiment, _standing(store, experiment, where))
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
        print_result(trial_list(found, experiment, form, BEST_FIELDS, columns, wide=wide, more=more))


def _standing(store: TrialStore, experiment: Experiment, where: str | None) -> Standing:
    from hpsearch.core.standing import standing_of

    key = experiment.exp_key
    trials = store.points(key) if where is None else selected_trials(store, experiment, where)
    return standing_of(trials, experiment.outcomes)


def _front(store: TrialStore, experiment: Experiment, where: str | None) -> Front:
    """Return the front of the selected trials; raises ``NotFoundError``, or exits, if it is empty."""
    standing = _standing(store, experiment, where)
    if standing.front is None or not standing.front.trials:
        _leave_without_feasible(store, experiment, standing)
        which = "No trial" if where is None else "No selected trial"
        raise NotFoundError(f"{which} of {experiment.exp_key} has finite losses yet.")
    return standing.front


def _chosen(front: Front, n: int | None, by: str | None, *, is_knee: bool) -> Sequence[Trial]:
    """Return the trials of a front that the options choose, in their order."""
    if by is not None and by not in front.outcomes.names:
        names = front.outcomes.names
        hint = did_you_mean(by, names) or f" There are: {', '.join(names)}."
        raise click.UsageError(f"There is no objective {by!r}.{hint}")
    if is_knee:
        return [front.knee] if front.knee else []
    chosen = front.trials if n is None else front.thinned(n)
    if by is None:
        return chosen
    tids = {trial.tid for trial in chosen}
    return [trial for trial in front.sorted_by(by) if trial.tid in tids]


def _print_front(
    front: Front,
    trials: Sequence[Trial],
    experiment: Experiment,
    form: Format,
    columns: str | None,
    *,
    wide: bool,
    is_knee: bool,
) -> None:
    from hpsearch.report.front_text import share_text
    from hpsearch.report.trial_columns import BEST_FIELDS
    from hpsearch.report.trial_page import best_text

    if is_knee and form is Format.TABLE and not columns and not wide:
        print_result(best_text(trials[0]))
    else:
        print_result(trial_list(trials, experiment, form, BEST_FIELDS, columns, wide=wide, kind="front"))
    click.echo(share_text(front), err=True)


def _leave_without_feasible(store: TrialStore, experiment: Experiment, standing: Standing) -> None:
    """Print the trial that exceeds the limits least, and exit, if no trial keeps them all."""
    from hpsearch.report.front_text import violation_text
    from hpsearch.report.trial_page import best_text

    if standing.least_violated is None or experiment.outcomes is None:
        return
    trial = store.trial(experiment.exp_key, standing.least_violated.tid)
    click.echo(f"No trial of {experiment.exp_key} keeps the limits.", err=True)
    page = best_text(trial, goal=experiment.goal)
    print_result(f"least violated, {violation_text(trial, experiment.outcomes)}:\n{page}")
    raise click.exceptions.Exit(1)


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
    from hpsearch.report.trial_page import best_text

    goal = experiment.goal
    if likely is None:
        return best_text(trial, goal=goal)
    page = best_text(trial, likely.losses.get(trial.tid), goal)
    if trial.tid == likely.best:
        return page
    best = store.trial(trial.exp_key, likely.best)
    other = best_text(best, likely.losses[best.tid], goal)
    return f"{page}\n\nmost likely best, since losses are noisy:\n{other}"
