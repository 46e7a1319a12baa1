"""``hpsearch run`` and ``hpsearch coordinator``."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from hpsearch.cli.conduct import conduct
from hpsearch.cli.local_workers import LocalWorkers
from hpsearch.cli.stores import OpenStore, open_store, patient
from hpsearch.command import (
    DURATION,
    EXIT_NO_SUCCESS,
    debug_option,
    log_to_stderr,
    option,
    store_option,
)
from hpsearch.errors import NotFoundError
from hpsearch.experiment import Algorithm, Budget, Defaults, Experiment
from hpsearch.interrupt import Interrupt
from hpsearch.mongod import home
from hpsearch.objective import load_objective, load_space, parse_target
from hpsearch.progress import Progress
from hpsearch.report.summary import failure_groups
from hpsearch.report.text import final_report
from hpsearch.report.view import choose_view
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.algorithms import ALGORITHMS, make_suggester
from hpsearch.trial import FINISHED, State

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What both commands know of the search; the names are those of the options."""

    space_ref: str | None
    max_evals: int | None
    timeout: float | None
    loss_threshold: float | None
    algo: str | None
    algo_option: tuple[tuple[str, Any], ...]
    seed: int | None
    exp_key: str | None
    max_attempts: int
    trial_timeout: float | None
    lease: float
    drain_timeout: float


class _AlgorithmOption(click.ParamType[tuple[str, Any]]):
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


_SEARCH_OPTIONS = (
    option(
        "--space",
        "space_ref",
        metavar="REF",
        help="The search space [default: `space` beside the objective].",
    ),
    option("--max-evals", type=click.IntRange(min=1), help="End after so many finished trials in all."),
    option("--timeout", type=DURATION, help="End after so long."),
    option("--loss-threshold", type=float, help="End once a loss is this low."),
    option("--algo", type=click.Choice(ALGORITHMS), help="Algorithm [default: tpe]."),
    option(
        "--algo-option", multiple=True, type=_AlgorithmOption(), help="Option of the algorithm; repeatable."
    ),
    option("--seed", type=click.IntRange(min=0), help="Seed of the search [default: a new one]."),
    option("--exp-key", metavar="KEY", help="Name of the experiment [default: that of the target]."),
    option(
        "--max-attempts",
        type=click.IntRange(min=1),
        default=3,
        help="Workers a trial may lose before it fails.",
    ),
    option("--trial-timeout", type=DURATION, help="Stop an evaluation after so long."),
    option("--lease", type=DURATION, default="60s", help="Time after which a silent worker loses its trial."),
    option(
        "--drain-timeout",
        type=DURATION,
        default="30s",
        help="Time that running trials still have when the search ends.",
    ),
)


def _search_options(command: F) -> F:
    for decorate in reversed(_SEARCH_OPTIONS):
        command = decorate(command)
    return command


@click.command()
@click.argument("target")
@_search_options
@store_option(required=False)
@option("--workers", "n_workers", type=click.IntRange(min=0), default=1, help="Local workers.")
@option("--ephemeral", is_flag=True, help="Use a private MongoDB that is thrown away at the end.")
@debug_option()
def run(target: str, store: str | None, n_workers: int, ephemeral: bool, **options: Any) -> None:
    """Search: a coordinator and local workers in one command.

    TARGET is file.py[:name] or package.module:name, the objective; the search space is
    `space` beside it. Without --store, a private MongoDB of this machine keeps the trials,
    and running the same command again goes on where it was.
    """
    if ephemeral and store is not None:
        raise click.UsageError("--ephemeral is a private MongoDB: leave --store out.")
    log_to_stderr(logging.WARNING)
    search = SearchOptions(**options)
    wanted = _experiment(target, search)
    with Interrupt() as interrupt, _opened(store, interrupt, is_ephemeral=ephemeral) as opened:
        experiment = _open_experiment(opened.store, wanted, search)
        log_dir = home() / "logs" / experiment.exp_key
        click.echo(f"Searching as {experiment.exp_key}; workers write to {log_dir}.", err=True)
        with LocalWorkers(n_workers, opened.uri, experiment.exp_key, log_dir) as workers:
            progress = conduct(
                opened.store,
                experiment,
                choose_view(),
                interrupt,
                grace_s=search.drain_timeout,
                check=workers.check,
            )
        _conclude(opened.store, progress, target, interrupt, is_ephemeral=ephemeral)


@click.command()
@click.argument("target")
@_search_options
@store_option(required=True)
@debug_option()
def coordinator(target: str, store: str, **options: Any) -> None:
    """Search with workers that are started elsewhere.

    TARGET is file.py[:name] or package.module:name, the objective; the search space is
    `space` beside it. A second coordinator of the same experiment waits as standby.
    """
    log_to_stderr(logging.WARNING)
    search = SearchOptions(**options)
    wanted = _experiment(target, search)
    with Interrupt() as interrupt, _opened(store, interrupt) as opened:
        experiment = _open_experiment(opened.store, wanted, search)
        click.echo(f"Searching as {experiment.exp_key}; start workers with", err=True)
        click.echo(f"  HPSEARCH_STORE=... hpsearch worker --exp-key {experiment.exp_key}", err=True)
        progress = conduct(opened.store, experiment, choose_view(), interrupt, grace_s=search.drain_timeout)
        _conclude(opened.store, progress, target, interrupt, is_ephemeral=False)


@contextmanager
def _opened(uri: str | None, interrupt: Interrupt, *, is_ephemeral: bool = False) -> Iterator[OpenStore]:
    """Open the store; from then on an outage is waited out, unless a signal ends the waiting."""
    patience = _Patience(interrupt)
    with open_store(uri, is_ephemeral=is_ephemeral, patience=patience) as opened:
        patience.has_started = True
        yield opened


def _experiment(target: str, search: SearchOptions) -> Experiment:
    """Load the target here, where a mistake costs a second, and describe the search."""
    objective = parse_target(target)
    load_objective(objective)
    space = Space(load_space(objective, search.space_ref))
    algorithm = Algorithm(name=search.algo or "tpe", options=dict(search.algo_option))
    make_suggester(algorithm, space)
    return Experiment(
        exp_key=search.exp_key or _default_key(objective.identity),
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=objective,
        algorithm=algorithm,
        seed=secrets.randbelow(2**31) if search.seed is None else search.seed,
        budget=Budget(
            max_evals=search.max_evals, timeout_s=search.timeout, loss_threshold=search.loss_threshold
        ),
        defaults=Defaults(
            max_attempts=search.max_attempts, trial_timeout_s=search.trial_timeout, lease_s=search.lease
        ),
    )


def _default_key(identity: str) -> str:
    """Name an experiment after its file or module, and after the function if it has a name of its own."""
    place, _, name = identity.partition(":")
    place = place.removesuffix(".py")
    return place if name == "objective" else f"{place}-{name}"


def _open_experiment(store: TrialStore, wanted: Experiment, search: SearchOptions) -> Experiment:
    """Create or join the experiment; limits that were not given stay as they are."""
    try:
        present = store.experiment(wanted.exp_key).budget
    except NotFoundError:
        return store.open_experiment(wanted)
    given = {f.name: getattr(wanted.budget, f.name) for f in fields(Budget)}
    budget = replace(present, **{name: value for name, value in given.items() if value is not None})
    experiment = store.open_experiment(replace(wanted, budget=budget))
    _tell_what_stays("--algo", search.algo, experiment.algorithm.name)
    _tell_what_stays("--seed", search.seed, experiment.seed)
    counts = store.counts(experiment.exp_key, FINISHED)
    if budget.max_evals is not None and sum(counts[s] for s in FINISHED) >= budget.max_evals:
        text = "has all its trials already: raise --max-evals to go on, or begin another with --exp-key."
        click.echo(f"{experiment.exp_key} {text}", err=True)
    return experiment


def _tell_what_stays(name: str, asked: object, present: object) -> None:
    if asked is not None and asked != present:
        click.echo(f"The experiment was begun with {name} {present}, and goes on with it.", err=True)


def _conclude(
    store: TrialStore, progress: Progress, target: str, interrupt: Interrupt, *, is_ephemeral: bool
) -> None:
    """Print what came of the search, and end with the exit code for it."""
    experiment = progress.experiment
    space = Space.from_json(experiment.space)
    failed = store.trials(experiment.exp_key, states={State.FAILED})
    config = None if progress.best is None else space.config(progress.best.values)
    hints = [] if is_ephemeral else _hints(experiment, target)
    click.echo(final_report(progress, config, failure_groups(failed), hints))
    if interrupt.is_asked:
        raise click.exceptions.Exit(interrupt.exit_code)
    if progress.best is None:
        raise click.exceptions.Exit(EXIT_NO_SUCCESS)


def _hints(experiment: Experiment, target: str) -> list[str]:
    """Return the commands that come next, for the shell that this one was typed into."""
    context = click.get_current_context()
    is_typed = context.get_parameter_source("store") is ParameterSource.COMMANDLINE
    store = " --store URI" if is_typed else ""
    key, more = experiment.exp_key, (experiment.budget.max_evals or 100) * 2
    return [
        f"look further:  hpsearch trials {key}{store} --sort loss",
        f"go on:         hpsearch {context.info_name} {target}{store} --exp-key {key} --max-evals {more}",
    ]


class _Patience:
    """Tries for a while at first, then for as long as nobody interrupts."""

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt
        self.has_started = False

    def __call__(self, seconds_away: float) -> bool:
        if not self.has_started:
            return patient(seconds_away)
        return not self._interrupt.is_asked
