"""The options of ``run`` and ``coordinator`` that describe a search."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpsearch.cli.options import DURATION, POSITIVE_DURATION, AtLeast, Duration, option
from hpsearch.cli.outcome_options import OUTCOME_OPTIONS, declared
from hpsearch.cli.priority import PRIORITY
from hpsearch.cli.warm_start import sources_in
from hpsearch.core.choices import PRUNE_MODES
from hpsearch.errors import ConfigurationError
from hpsearch.suggest.names import ALGORITHMS, BELIEVE, PRUNERS

if TYPE_CHECKING:
    from hpsearch.core.experiment import Algorithm, Budget, Defaults, Pruner
    from hpsearch.core.goal import Goal
    from hpsearch.core.outcomes import Limit, Objective, Outcomes

    S = TypeVar("S", Budget, Defaults, Goal, Pruner)

F = TypeVar("F", bound=Callable[..., Any])


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
    objective: tuple[Objective, ...]
    limit: tuple[Limit, ...]
    until: str | None
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

    def declared(self, present: Goal, outcomes: Outcomes | None) -> tuple[Goal, Outcomes | None]:
        """Return a goal and declared outcomes with the given parts replaced.

        Parameters
        ----------
        present : Goal
            The goal if none is given.
        outcomes : Outcomes or None
            The outcomes if none are given.

        Raises
        ------
        ConfigurationError
            If the options contradict each other.
        """
        goal = _with_given(present, metric=self.metric, maximize=self.maximize)
        return declared(goal, outcomes, self.objective, self.limit, has_goal=goal != present)

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
            until=self.until,
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
        from hpsearch.core.experiment import NO_PRUNER, PruneMode

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
        from hpsearch.core.experiment import Algorithm

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
    from hpsearch.core.experiment import invalid_exp_key, is_exp_key

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
    *OUTCOME_OPTIONS,
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
        type=click.Choice(PRUNE_MODES),
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
