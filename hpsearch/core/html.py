"""Trials and experiments as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Trial
from hpsearch.runtime.html import Markup, element, joined, shown_text, table

#: Parameters that a table of trials shows.
_MAX_PARAMETERS = 12


def trial_html(trial: Trial) -> Markup:
    """Return the outcome and the parameters of a trial."""
    outcome: dict[str, Any] = {"state": trial.state}
    if trial.loss is not None:
        outcome["loss"] = trial.loss
    outcome |= trial.losses or {}
    if trial.violations:
        outcome["violation"] = trial.violation
    if trial.error is not None:
        outcome["error"] = trial.error.text
    if trial.invalid is not None:
        outcome["invalid"] = trial.invalid.why or "yes"
    if trial.duration_s is not None:
        outcome["seconds"] = trial.duration_s
    if trial.worker is not None:
        outcome["worker"] = trial.worker.name
    return joined([_title("Trial", f"{trial.exp_key}/{trial.tid}"), _pairs({**outcome, **trial.params})])


def experiment_html(experiment: Experiment) -> Markup:
    """Return the state, the algorithm and the limits of an experiment."""
    budget = experiment.budget
    limits = {
        "max_evals": budget.max_evals,
        "timeout_s": budget.timeout_s,
        "loss_threshold": budget.loss_threshold,
    }
    facts = {
        "state": f"{experiment.state}{f', {experiment.ended_why}' if experiment.ended_why else ''}",
        "algorithm": experiment.algorithm.name,
        "objective": experiment.objective.ref,
        "seed": str(experiment.seed),
        **{name: limit for name, limit in limits.items() if limit is not None},
    }
    return joined([_title("Search", experiment.exp_key), _pairs(facts)])


def ranked_table(
    rows: Sequence[tuple[Any, Any, Mapping[str, Any]]], labels: Iterable[str], value: str = "loss"
) -> Markup:
    """Return a table of trials with the parameters that they have.

    Parameters
    ----------
    rows : sequence of (number, value, params)
        The trials, the best first.
    labels : iterable of str
        All parameters in reading order.
    value : str
        Title of the values.
    """
    used = [label for label in labels if any(label in params for _, _, params in rows)]
    shown = used[:_MAX_PARAMETERS]
    lines = [(tid, best, *(params.get(label, "") for label in shown)) for tid, best, params in rows]
    n_more = len(used) - len(shown)
    note = [element("div", f"and {n_more} more parameters")] if n_more else []
    return joined([table(("trial", value, *shown), lines), *note])


def _title(kind: str, name: str) -> Markup:
    return element("div", f"{kind} ", element("b", name))


def _pairs(facts: Mapping[str, Any]) -> Markup:
    return table((), [(element("b", name), shown_text(value)) for name, value in facts.items()])
