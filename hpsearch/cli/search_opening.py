"""Makes the experiment that the options of ``run`` and ``coordinator`` describe, or joins an existing one."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from hpsearch.cli.search_options import SearchOptions
from hpsearch.cli.search_target import load_target
from hpsearch.cli.warm_start import report_ignored, report_other_start, warm_started
from hpsearch.core.experiment import (
    DEFAULT_PRIORITY,
    NO_PRUNER,
    Budget,
    Defaults,
    Experiment,
    ExperimentState,
)
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes, outcomes_text
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import print_or_log
from hpsearch.suggest.names import BELIEVE

if TYPE_CHECKING:
    from hpsearch.space.tree import Space
    from hpsearch.store.protocol import TrialStore


def describe(
    words: tuple[str, ...], search: SearchOptions, n_slots: int | None = None
) -> tuple[Experiment, Space]:
    """Load the target on this machine, and return the experiment that the options describe and its space.

    Parameters
    ----------
    words : tuple of str
        The objective, as on the command line: a function, or the words of a command.
    search : SearchOptions
        The options.
    n_slots : int, optional
        Number of trials that local workers evaluate concurrently.
    """
    from hpsearch.suggest.algorithms import make_suggester

    lag = search.lag_for(n_slots)
    target = load_target(words, search.space, search.config_template)
    space = target.space
    algorithm = search.algorithm()
    goal, outcomes = search.declared(LOSS, None)
    make_suggester(algorithm, space)
    experiment = Experiment(
        exp_key=search.exp_key or target.exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=target.objective,
        goal=goal,
        outcomes=outcomes,
        algorithm=algorithm,
        seed=secrets.randbelow(2**31) if search.seed is None else search.seed,
        lag=lag,
        budget=search.budget(Budget(), goal),
        defaults=search.defaults(Defaults()),
        pruner=search.pruner_of(NO_PRUNER),
        priority=DEFAULT_PRIORITY if search.priority is None else search.priority,
    )
    return experiment, space


def open_experiment(store: TrialStore, wanted: Experiment, space: Space, search: SearchOptions) -> Experiment:
    """Create or join the experiment; limits that are not given remain unchanged.

    Parameters
    ----------
    store : TrialStore
        The store.
    wanted : Experiment
        The experiment that the options describe.
    space : Space
        Its space.
    search : SearchOptions
        The options.

    Raises
    ------
    ConfigurationError
        If there are trials of that name, but no experiment; or if a search to start from is unsuitable.
    NotFoundError
        If there is no search to start from under a given name.
    """
    from hpsearch.coordination.outcome_rules import check_outcomes

    # Trials are read first: another coordinator creates the experiment before its trials.
    some_trial = next(store.trials(wanted.exp_key, limit=1), None)
    try:
        present = store.experiment(wanted.exp_key)
    except NotFoundError as error:
        if some_trial is None:
            check_outcomes(wanted)
            begun = store.open_experiment(warm_started(store, wanted, space, search.warm_start))
            # Another coordinator may have created it first.
            report_ignored("--seed", wanted.seed, begun.seed)
            _check_goal(begun, wanted.goal, wanted.outcomes)
            return begun
        raise ConfigurationError(
            f"There are trials of a former search {wanted.exp_key!r}, whose deletion was interrupted: "
            f"complete it with `hpsearch delete {shlex.quote(wanted.exp_key)}`, "
            "or begin another search with --exp-key."
        ) from error
    _check_goal(present, *search.declared(present.goal, present.outcomes))
    budget, defaults = search.budget(present.budget, present.goal), search.defaults(present.defaults)
    wanted = replace(wanted, budget=budget, defaults=defaults, pruner=search.pruner_of(present.pruner))
    check_outcomes(replace(wanted, goal=present.goal, outcomes=present.outcomes))
    experiment = store.open_experiment(wanted, accepts_change=search.accept_changed_objective)
    if len(experiment.objective_changes) > len(present.objective_changes):
        print_or_log(
            f"The objective of {wanted.exp_key} has changed; the search continues with the new code.",
            Event.OBJECTIVE_CHANGED.of(exp_key=wanted.exp_key),
        )
    if search.priority not in {None, experiment.priority}:
        experiment = store.set_priority(wanted.exp_key, wanted.priority)
    if experiment.state is ExperimentState.PAUSED:
        print_or_log(
            f"{wanted.exp_key} is paused; go on with: hpsearch resume {shlex.quote(wanted.exp_key)}",
            Event.STILL_PAUSED.of(exp_key=wanted.exp_key),
        )
    report_ignored("--algo", search.algo, experiment.algorithm.name)
    believed = experiment.algorithm.options.get(BELIEVE)
    report_ignored("--believe", list(search.believe) or None, believed and list(believed))
    report_ignored("--seed", search.seed, experiment.seed)
    report_ignored("--lag", wanted.lag, experiment.lag)
    report_other_start(experiment, search.warm_start)
    _report_existing(store, experiment)
    return experiment


def _check_goal(stored: Experiment, goal: Goal, outcomes: Outcomes | None) -> None:
    """Refuse to go on with another goal or limits: the results so far are those of the first ones."""
    if (stored.goal, stored.outcomes) != (goal, outcomes):
        raise ConfigurationError(
            f"The search {stored.exp_key!r} {outcomes_text(stored.goal, stored.outcomes)}; "
            f"name one that {outcomes_text(goal, outcomes)} with --exp-key NEW."
        )


def _report_existing(store: TrialStore, experiment: Experiment) -> None:
    """Say that a search exists already, how far it is, and how to start over."""
    from hpsearch.core.trial import FINISHED
    from hpsearch.report.text import count_text

    counts, most = store.counts(experiment.exp_key, FINISHED), experiment.budget.max_evals
    n_finished, key = sum(counts[s] for s in FINISHED), shlex.quote(experiment.exp_key)
    start_over = f"to start over, add --exp-key NEW, or first run: hpsearch delete {key}"
    if most is not None and n_finished >= most:
        text = f"exists and already has all its trials; to go on, raise --max-evals above {n_finished}"
        extra = Event.BUDGET_SPENT.of(exp_key=experiment.exp_key)
    else:
        text = f"exists with {count_text(n_finished, 'finished trial')}, and goes on"
        extra = Event.SEARCH_CONTINUED.of(exp_key=experiment.exp_key)
    print_or_log(f"{experiment.exp_key} {text}; {start_over}", extra)
