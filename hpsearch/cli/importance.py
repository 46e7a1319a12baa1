"""``hpsearch importance``: which parameters matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import option
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.report.formats import Format

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.report.numbers.importance import Importance
    from hpsearch.space.tree import Space
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@option(
    "--within",
    metavar="CHOICE=OPTION",
    help="Look only at one branch of the space, such as model=mlp.",
)
@option(
    "--what",
    type=click.Choice(["loss", "failures"]),
    default="loss",
    help="Of what: the loss, or whether a trial fails.",
)
@option(
    "--method",
    type=click.Choice(["effects", "good-trials"]),
    default="effects",
    help="effects: over the whole space, by a model; good-trials: what the best tenth of the trials have "
    "in common (PED-ANOVA).",
)
@query
def importance(
    store: TrialStore, form: Format, exp_key: str | None, within: str | None, what: str, method: str
) -> None:
    """Show which parameters matter, how they act together, and where the best trials are."""
    from hpsearch.cli.find import find_experiment
    from hpsearch.report.importance_text import (
        IMPORTANCE_COLUMNS,
        importance_document,
        importance_rows,
        importance_sentences,
    )
    from hpsearch.runtime.escaping import escaped
    from hpsearch.runtime.strict_json import json_text

    if method == "good-trials" and (within is not None or what != "loss"):
        raise click.UsageError("--method good-trials has neither --within nor --what.")
    experiment = find_experiment(store, exp_key)
    if experiment.has_several_objectives and what == "loss":
        _print_of_each(store, experiment, form, within, method)
        return
    found = _importance(store, experiment, within, what, method)
    if form is Format.JSON:
        print_result(json_text(importance_document(found), indent=2))
        return
    rows = importance_rows(found, is_table=form is Format.TABLE)
    if form is not Format.TABLE:
        print_result(table("importance", rows, IMPORTANCE_COLUMNS, form))
        return
    shown = [column for column in IMPORTANCE_COLUMNS if any(row[column] is not None for row in rows)]
    blocks = [escaped(sentence) for sentence in importance_sentences(found, experiment.goal)]
    print_result("\n".join([*blocks, *(["", table("importance", rows, shown, form)] if rows else [])]))


def _print_of_each(
    store: TrialStore, experiment: Experiment, form: Format, within: str | None, method: str
) -> None:
    """Print the importance for each of several objectives."""
    from hpsearch.report.importance_text import (
        IMPORTANCE_COLUMNS,
        importance_document,
        importance_rows,
        importance_sentences,
    )
    from hpsearch.runtime.escaping import escaped
    from hpsearch.runtime.strict_json import json_text

    outcomes = experiment.outcomes
    assert outcomes is not None
    found = {
        one: _importance(store, experiment, within, "loss", method, j)
        for j, one in enumerate(outcomes.objectives)
    }
    if form is Format.JSON:
        documents = {one.name: importance_document(of) for one, of in found.items()}
        print_result(json_text({"schema": "hpsearch.importances/1", "objectives": documents}, indent=2))
        return
    rows = [
        {"objective": one.name, **row}
        for one, of in found.items()
        for row in importance_rows(of, is_table=form is Format.TABLE)
    ]
    sentences = (escaped(s) for one, of in found.items() for s in importance_sentences(of, one.goal))
    columns = ("objective", *IMPORTANCE_COLUMNS)
    if form is not Format.TABLE:
        print_result(table("importance", rows, columns, form))
        return
    shown = [column for column in columns if any(row[column] is not None for row in rows)]
    blocks = [*sentences, *(["", table("importance", rows, shown, form)] if rows else [])]
    print_result("\n".join(blocks))


def _importance(
    store: TrialStore,
    experiment: Experiment,
    within: str | None,
    what: str,
    method: str,
    objective: int = 0,
) -> Importance:
    import numpy as np

    from hpsearch.report.numbers import importance as numbers
    from hpsearch.report.numbers.seeds import report_rng
    from hpsearch.report.summary import read_history
    from hpsearch.space.tree import Space

    space = Space.from_json(experiment.space)
    branch = None if within is None else _branch(space, within)
    history = read_history(space, store.points(experiment.exp_key), experiment.outcomes)
    if experiment.has_several_objectives:
        history = history.condensed(np.arange(len(history)), history.objectives[:, objective])
    rng = report_rng(experiment.seed, "importance")
    if method == "good-trials":
        return numbers.good_trial_importance(history)
    if what == "failures":
        return numbers.failure_importance(history, rng, within=branch)
    return numbers.importance(history, rng, within=branch)


def _branch(space: Space, text: str) -> Mapping[str, int]:
    """Return the branch that a user named as ``choice=option``, with the option's name or index."""
    from hpsearch.report.numbers.importance import branch_options
    from hpsearch.space.distribution import Categorical

    choices = [p.label for p in space.parameters if isinstance(p.distribution, Categorical)]
    label = next((name for name in choices if text.startswith(f"{name}=")), None)
    if label is None:
        known = ", ".join(choices) or "none"
        raise click.UsageError(f"--within {text!r} is not CHOICE=OPTION; the space has the choices: {known}.")
    names, wanted = space.option_names(label), text.removeprefix(f"{label}=")
    if wanted in names:
        return branch_options(space, label, names.index(wanted))
    if wanted.isdecimal() and int(wanted) < len(names):
        return branch_options(space, label, int(wanted))
    raise click.UsageError(f"{label} has no option {wanted!r}; it has {', '.join(names)}.")
