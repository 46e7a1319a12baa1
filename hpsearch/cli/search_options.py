"""The options of ``run`` and ``coordinator`` that describe a search, and the experiment they make."""

from __future__ import annotations

import json
import math
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpsearch.cli.options import DURATION, POSITIVE_DURATION, AtLeast, Duration, option
from hpsearch.cli.priority import PRIORITY
from hpsearch.cli.search_target import load_target
from hpsearch.cli.warm_start import report_ignored, report_other_start, sources_in, warm_started
from hpsearch.core.experiment import (
    DEFAULT_PRIORITY,
    NO_PRUNER,
    Algorithm,
    Budget,
    Defaults,
    Experiment,
    ExperimentState,
    PruneMode,
    Pruner,
    invalid_exp_key,
    is_exp_key,
)
from hpsearch.core.goal import LOSS, Goal
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import print_or_log
from hpsearch.suggest.names import ALGORITHMS, BELIEVE, PRUNERS

if TYPE_CHECKING:
    from hpsearch.space.tree import Space
    from hpsearch.store.protocol import TrialStore

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", Budget, Defaults, Goal, Pruner)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """The options of a search, by name."""

    space: str | None
    config_template: str | None
    max_evals: int | None
    timeout: float | None
    loss_threshold: float | None
    metric: str | None
    maximize: bool | None
    until_worth: float | None
    max_steps: float | None
    no_repeats: bool | None
    pruner: str | None
    pruner_option: tuple[tuple[str, Any], ...]
    max_resource: float | None
    min_resource: float | None
    prune_mode: str | None
    algo: str | None
    algo_option: tuple[tuple[str, Any], ...]
    believe: tuple[str, ...]
    seed: int | None
    reproducible: bool
    lag: int | None
    warm_start: str | None
    exp_key: str | None
    accept_changed_objective: bool
    priority: int | None
    max_attempts: int | None
    trial_timeout: float | None
    lease: float | None
    drain_timeout: float

    def goal(self, present: Goal) -> Goal:
        """Return a goal with the given parts replaced."""
        return _with_given(present, metric=self.metric, maximize=self.maximize)

    def budget(self, present: Budget, goal: Goal) -> Budget:
        """Return a budget with the given limits replaced.

        Parameters
        ----------
        present : Budget
            The limits that are not given.
        goal : Goal
            That of the search; the threshold is given as its number.
        """
        return _with_given(
            present,
            max_evals=self.max_evals,
            timeout_s=self.timeout,
            loss_threshold=None if self.loss_threshold is None else goal.loss(self.loss_threshold),
            until_worth=self.until_worth,
            max_steps=self.max_steps,
            no_repeats=self.no_repeats,
        )

    def pruner_of(self, present: Pruner) -> Pruner:
        """Return a pruner with the given settings replaced; another rule begins with its own options.

        Raises
        ------
        ConfigurationError
            If an option is unknown or out of its range.
        """
        name = self.pruner or present.name
        options = dict(self.pruner_option)
        pruner = _with_given(
            replace(present, name=name, options=options or (present.options if name == present.name else {})),
            max_resource=self.max_resource,
            min_resource=self.min_resource,
            mode=self.prune_mode and PruneMode(self.prune_mode),
        )
        if pruner.is_on:
            from hpsearch.suggest.stopping.rules import make_rule

            make_rule(pruner.name, pruner.options, pruner.max_resource, pruner.min_resource)
        elif self.pruner_option:
            raise ConfigurationError("--pruner-option needs a --pruner.")
        return pruner if pruner.is_on else NO_PRUNER

    def algorithm(self) -> Algorithm:
        """Return the algorithm with its options."""
        options = dict(self.algo_option)
        if self.believe:
            options[BELIEVE] = list(self.believe)
        return Algorithm(name=self.algo or Algorithm().name, options=options)

    def lag_for(self, n_slots: int | None) -> int | None:
        """Return the lag of a reproducible search, None for any other.

        Parameters
        ----------
        n_slots : int, optional
            Number of concurrent trials; None or 0 if it is unknown.

        Raises
        ------
        click.UsageError
            If the lag is neither given nor known.
        """
        if self.lag is None and self.reproducible and not n_slots:
            raise click.UsageError(
                "--reproducible needs --lag N if workers are started separately: "
                "N is the number of trials that they evaluate concurrently."
            )
        return n_slots if self.lag is None and self.reproducible else self.lag

    def defaults(self, present: Defaults) -> Defaults:
        """Return the defaults of trials with the given ones replaced."""
        return _with_given(
            present,
            max_attempts=self.max_attempts,
            trial_timeout_s=self.trial_timeout,
            lease_s=self.lease,
        )


class _Belief(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """``LABEL ~ VALUE``; several in an environment variable are separated by semicolons."""

    name = "label ~ value"
    envvar_list_splitter = ";"


class _NamedValue(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """``name=value`` with the value in JSON."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        name, _, text = str(value).partition("=")
        try:
            return name.replace("-", "_"), json.loads(text)
        except json.JSONDecodeError as error:
            sentence = (
                f"{value!r} is not name=value, with a number, true, false or a quoted string as the value."
            )
            raise click.BadParameter(sentence, ctx, param) from error


def _checked_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None or is_exp_key(value):
        return value
    raise click.BadParameter(invalid_exp_key(value), ctx, param)


def _checked_sources(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    for key in sources_in(value) or ():
        _checked_key(ctx, param, key)
    return value


def _not_nan(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("NaN is not a threshold; give a number.", ctx, param)
    return value


def _positive(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"{value:g} is too low or too high; give a number above 0.", ctx, param)
    return value


def _with_given(present: S, **options: Any) -> S:
    """Return the settings with the given options replaced; None is not given."""
    return replace(present, **{name: value for name, value in options.items() if value is not None})


_SEARCH_OPTIONS = (
    option(
        "--space",
        metavar="REF",
        help="The search space: a name beside the objective, file.py:name, package.module:name, or a TOML or "
        "JSON file [default: `space` beside the objective].",
    ),
    option(
        "--config-template",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="Configuration file of a command, with {holes} for the parameters; the command finds it as "
        "{config}.",
    ),
    option(
        "--max-evals", type=AtLeast(1), help="End after this number of finished trials in the whole search."
    ),
    option("--timeout", type=POSITIVE_DURATION, help="End after this time."),
    option(
        "--loss-threshold",
        type=float,
        callback=_not_nan,
        help="End when a loss is this low, or the metric of --maximize this high.",
    ),
    option(
        "--metric",
        metavar="NAME",
        help="Minimise this number of the dict that the objective returns [default: loss].",
    ),
    option(
        "--maximize",
        is_flag=True,
        default=None,
        help="Maximise what the objective returns, or the metric; all views show it as it is.",
    ),
    option(
        "--until-worth",
        metavar="GAIN",
        type=float,
        callback=_positive,
        help="End when an hour more is forecast to improve the best loss by less than this.",
    ),
    option(
        "--no-repeats",
        is_flag=True,
        default=None,
        help="Try no point of a finite space twice; end when all have been tried.",
    ),
    option(
        "--max-steps",
        metavar="N",
        type=float,
        callback=_positive,
        help="End when the last steps that all trials reported add up to this.",
    ),
    option(
        "--pruner",
        type=click.Choice(list(PRUNERS)),
        help="Stop trials early that report values which will not win [default: none].",
    ),
    option("--pruner-option", multiple=True, type=_NamedValue(), help="Option of the pruner; repeatable."),
    option(
        "--max-resource",
        metavar="STEP",
        type=float,
        callback=_positive,
        help="The last step of a full trial [default: that of the longest one].",
    ),
    option(
        "--min-resource",
        metavar="STEP",
        type=float,
        callback=_positive,
        help="The pruner stops no trial before this step.",
    ),
    option(
        "--prune-mode",
        type=click.Choice(list(PruneMode)),
        help="ask: the objective learns from should_stop() that it should; kill: its evaluation is ended "
        "if it goes on [default: ask].",
    ),
    option("--algo", type=click.Choice(ALGORITHMS), help="Algorithm [default: auto]."),
    option("--algo-option", multiple=True, type=_NamedValue(), help="Option of the algorithm; repeatable."),
    option(
        "--believe",
        multiple=True,
        type=_Belief(),
        metavar='"LABEL ~ VALUE"',
        help="A guess about the best point, tried first and preferred for a while; repeatable.",
    ),
    option("--seed", type=AtLeast(0), help="Seed of the search [default: random]."),
    option(
        "--reproducible",
        is_flag=True,
        help="Make the same search from the same seed, with any number of workers and order of completion.",
    ),
    option(
        "--lag",
        metavar="N",
        type=AtLeast(0),
        help="As --reproducible, with this lag: trial n is suggested from exactly the trials before n - N "
        "[default: the number of concurrent trials of the local workers].",
    ),
    option(
        "--warm-start",
        metavar="none|auto|KEY,...",
        callback=_checked_sources,
        help="Begin with the best points of earlier searches in the database: of those named, or of all that "
        "searched these parameters [default: none].",
    ),
    option(
        "--exp-key",
        metavar="KEY",
        callback=_checked_key,
        help="Name of the experiment [default: that of the target].",
    ),
    option(
        "--accept-changed-objective",
        is_flag=True,
        help="Continue an experiment although the code of its objective has changed, and record the change.",
    ),
    option(
        "--priority",
        type=PRIORITY,
        help="Share of the workers that serve several searches: a search of priority 3 gets three times as "
        "many trials as one of 1; one of 0 gets a worker only if no other search needs it [default: 1].",
    ),
    option(
        "--max-attempts",
        type=AtLeast(1),
        help="Number of workers that a trial may lose before it fails [default: 3].",
    ),
    option("--trial-timeout", type=POSITIVE_DURATION, help="Stop an evaluation after this time."),
    option(
        "--lease",
        type=Duration(low=1.0),
        help="Time after which a silent worker loses its trial [default: 60s].",
    ),
    option(
        "--drain-timeout",
        type=DURATION,
        default="30s",
        help="Time for running trials to finish when the search ends.",
    ),
)


def search_options(command: F) -> F:
    """Add the options of ``SearchOptions`` to a command."""
    for decorate in reversed(_SEARCH_OPTIONS):
        command = decorate(command)
    return command


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
    algorithm, goal = search.algorithm(), search.goal(LOSS)
    make_suggester(algorithm, space)
    experiment = Experiment(
        exp_key=search.exp_key or target.exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=target.objective,
        goal=goal,
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
    # Trials are read first: another coordinator creates the experiment before its trials.
    some_trial = next(store.trials(wanted.exp_key, limit=1), None)
    try:
        present = store.experiment(wanted.exp_key)
    except NotFoundError as error:
        if some_trial is None:
            begun = store.open_experiment(warm_started(store, wanted, space, search.warm_start))
            # Another coordinator may have created it first.
            report_ignored("--seed", wanted.seed, begun.seed)
            _check_goal(begun, wanted.goal)
            return begun
        raise ConfigurationError(
            f"There are trials of a former search {wanted.exp_key!r}, whose deletion was interrupted: "
            f"complete it with `hpsearch delete {shlex.quote(wanted.exp_key)}`, "
            "or begin another search with --exp-key."
        ) from error
    _check_goal(present, search.goal(present.goal))
    budget, defaults = search.budget(present.budget, present.goal), search.defaults(present.defaults)
    wanted = replace(wanted, budget=budget, defaults=defaults, pruner=search.pruner_of(present.pruner))
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


def _check_goal(stored: Experiment, wanted: Goal) -> None:
    """Refuse to go on with another goal: the losses so far are those of the first one."""
    if stored.goal != wanted:
        raise ConfigurationError(
            f"The search {stored.exp_key!r} {stored.goal}; name one that {wanted} with --exp-key NEW."
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
