"""What ``run`` and ``coordinator`` know of a search: the options, and the experiment they describe."""

from __future__ import annotations

import json
import math
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from hpsearch.cli.control import PRIORITY
from hpsearch.cli.options import DURATION, POSITIVE_DURATION, AtLeast, Duration, option
from hpsearch.core.experiment import (
    DEFAULT_PRIORITY,
    Algorithm,
    Budget,
    Defaults,
    Experiment,
    ExperimentState,
    bad_exp_key,
    is_exp_key,
)
from hpsearch.core.trial import FINISHED
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.objective.loading import load, load_objective, parse_space, parse_target
from hpsearch.objective.source_fingerprint import fingerprinted
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import print_or_log
from hpsearch.runtime.user_code import preserve_process_state
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.algorithms import ALGORITHMS, make_suggester

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What both commands know of the search; the names are those of the options."""

    space: str | None
    max_evals: int | None
    timeout: float | None
    loss_threshold: float | None
    no_repeats: bool | None
    algo: str | None
    algo_option: tuple[tuple[str, Any], ...]
    seed: int | None
    reproducible: bool
    lag: int | None
    exp_key: str | None
    accept_changed_objective: bool
    priority: int | None
    max_attempts: int | None
    trial_timeout: float | None
    lease: float | None
    drain_timeout: float

    def budget(self, present: Budget) -> Budget:
        """Return a budget with the limits that were given."""
        given = {
            "max_evals": self.max_evals,
            "timeout_s": self.timeout,
            "loss_threshold": self.loss_threshold,
            "no_repeats": self.no_repeats,
        }
        return replace(present, **_given(given))

    def lag_for(self, n_slots: int | None) -> int | None:
        """Return the lag of a search that is to be reproducible, None for any other.

        Parameters
        ----------
        n_slots : int, optional
            Trials that are evaluated at a time; None or 0 where this process cannot know.

        Raises
        ------
        click.UsageError
            If it was not given, and cannot be known.
        """
        if self.lag is None and self.reproducible and not n_slots:
            raise click.UsageError(
                "--reproducible needs --lag N where workers are started elsewhere: "
                "N is the number of trials that they evaluate at a time."
            )
        return n_slots if self.lag is None and self.reproducible else self.lag

    def defaults(self, present: Defaults) -> Defaults:
        """Return the defaults of trials with those that were given."""
        given = {
            "max_attempts": self.max_attempts,
            "trial_timeout_s": self.trial_timeout,
            "lease_s": self.lease,
        }
        return replace(present, **_given(given))


class _AlgorithmOption(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """``name=value``, the value in JSON."""

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
            sentence = f"{value!r} is not name=value with a number, true, false or a quoted text."
            raise click.BadParameter(sentence, ctx, param) from error


def _checked_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None or is_exp_key(value):
        return value
    raise click.BadParameter(bad_exp_key(value), ctx, param)


def _not_nan(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("no loss is ever that low; give a number.", ctx, param)
    return value


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in values.items() if value is not None}


_SEARCH_OPTIONS = (
    option(
        "--space",
        metavar="REF",
        help="The search space [default: `space` beside the objective].",
    ),
    option("--max-evals", type=AtLeast(1), help="End after so many finished trials in all."),
    option("--timeout", type=POSITIVE_DURATION, help="End after so long."),
    option("--loss-threshold", type=float, callback=_not_nan, help="End once a loss is this low."),
    option(
        "--no-repeats",
        is_flag=True,
        default=None,
        help="Try no point of a finite space twice; end once all were tried.",
    ),
    option("--algo", type=click.Choice(ALGORITHMS), help="Algorithm [default: auto]."),
    option(
        "--algo-option", multiple=True, type=_AlgorithmOption(), help="Option of the algorithm; repeatable."
    ),
    option("--seed", type=AtLeast(0), help="Seed of the search [default: a new one]."),
    option(
        "--reproducible",
        is_flag=True,
        help="Make the same search of the same seed with any number of workers, whatever ends first.",
    ),
    option(
        "--lag",
        metavar="N",
        type=AtLeast(0),
        help="The same, with this lag: trial n is suggested from exactly those before n - N "
        "[default: the number of local workers].",
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
        help="Go on with an experiment though the code of its objective was changed; this is noted there.",
    ),
    option(
        "--priority",
        type=PRIORITY,
        help="Share of the trials of workers that serve several searches: one of 3 gets three times as many "
        "as one of 1, one of 0 what no other wants [default: 1].",
    ),
    option("--max-attempts", type=AtLeast(1), help="Workers a trial may lose before it fails [default: 3]."),
    option("--trial-timeout", type=POSITIVE_DURATION, help="Stop an evaluation after so long."),
    option(
        "--lease",
        type=Duration(low=1.0),
        help="Time after which a silent worker loses its trial [default: 60s].",
    ),
    option(
        "--drain-timeout",
        type=DURATION,
        default="30s",
        help="Time that running trials still have when the search ends.",
    ),
)


def search_options(command: F) -> F:
    """Add the options of ``SearchOptions`` to a command."""
    for decorate in reversed(_SEARCH_OPTIONS):
        command = decorate(command)
    return command


def describe(target: str, search: SearchOptions, n_slots: int | None = None) -> tuple[Experiment, Space]:
    """Load the target here, where a mistake costs a second; describe the search, and return its space.

    Parameters
    ----------
    target : str
        The objective.
    search : SearchOptions
        What was asked for.
    n_slots : int, optional
        Trials that local workers evaluate at a time.
    """
    lag = search.lag_for(n_slots)
    objective = parse_target(target)
    space_ref = parse_space(objective, search.space)
    with preserve_process_state():
        load_objective(objective)
        space = Space(load(space_ref))
    algorithm = Algorithm(name=search.algo or Algorithm().name, options=dict(search.algo_option))
    make_suggester(algorithm, space)
    experiment = Experiment(
        exp_key=search.exp_key or _default_key(objective.identity),
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=fingerprinted(objective),
        algorithm=algorithm,
        seed=secrets.randbelow(2**31) if search.seed is None else search.seed,
        lag=lag,
        budget=search.budget(Budget()),
        defaults=search.defaults(Defaults()),
        priority=DEFAULT_PRIORITY if search.priority is None else search.priority,
    )
    return experiment, space


def _default_key(identity: str) -> str:
    """Name an experiment after its file or module, and after the function if it has a name of its own."""
    place, _, name = identity.partition(":")
    place = place.removesuffix(".py")
    return place if name == "objective" else f"{place}-{name}"


def open_experiment(store: TrialStore, wanted: Experiment, search: SearchOptions) -> Experiment:
    """Create or join the experiment; limits that were not given stay as they are.

    Raises
    ------
    ConfigurationError
        If there are trials under its name, but no experiment.
    """
    # Looked for first: of an experiment that another coordinator makes, trials come later than itself.
    some_trial = next(store.trials(wanted.exp_key, limit=1), None)
    try:
        present = store.experiment(wanted.exp_key)
    except NotFoundError as error:
        if some_trial is None:
            begun = store.open_experiment(wanted)
            _tell_what_stays("--seed", wanted.seed, begun.seed)  # another may have begun it at this moment
            return begun
        raise ConfigurationError(
            f"There are trials of a former search {wanted.exp_key!r}, whose deletion was cut short: "
            f"complete it with `hpsearch delete {shlex.quote(wanted.exp_key)}`, "
            "or begin another with --exp-key."
        ) from error
    budget, defaults = search.budget(present.budget), search.defaults(present.defaults)
    wanted = replace(wanted, budget=budget, defaults=defaults)
    experiment = store.open_experiment(wanted, accepts_change=search.accept_changed_objective)
    if len(experiment.objective_changes) > len(present.objective_changes):
        print_or_log(
            f"The objective of {wanted.exp_key} was changed; it goes on with the code as it is now.",
            Event.OBJECTIVE_CHANGED.of(exp_key=wanted.exp_key),
        )
    if search.priority not in {None, experiment.priority}:
        experiment = store.set_priority(wanted.exp_key, wanted.priority)
    if experiment.state is ExperimentState.PAUSED:
        print_or_log(
            f"{wanted.exp_key} is paused; go on with: hpsearch resume {shlex.quote(wanted.exp_key)}",
            Event.STILL_PAUSED.of(exp_key=wanted.exp_key),
        )
    _tell_what_stays("--algo", search.algo, experiment.algorithm.name)
    _tell_what_stays("--seed", search.seed, experiment.seed)
    _tell_what_stays("--lag", wanted.lag, experiment.lag)
    counts = store.counts(experiment.exp_key, FINISHED)
    if budget.max_evals is not None and sum(counts[s] for s in FINISHED) >= budget.max_evals:
        text = "has all its trials already: raise --max-evals to go on, or begin another with --exp-key."
        print_or_log(f"{experiment.exp_key} {text}", Event.BUDGET_SPENT.of(exp_key=experiment.exp_key))
    return experiment


def _tell_what_stays(name: str, asked: object, present: object) -> None:
    if asked is not None and asked != present:
        begun = (
            f"without {name}, and goes on so"
            if present is None
            else f"with {name} {present}, and goes on with it"
        )
        print_or_log(
            f"The experiment was begun {begun}.",
            Event.OPTION_IGNORED.of(option=name, asked=asked, present=present),
        )
