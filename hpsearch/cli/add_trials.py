"""``hpsearch enqueue`` and ``retry``: add trials to a search."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import AtLeast, debug_option, option, store_option
from hpsearch.errors import SpaceError
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.trial import Trial
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("point", nargs=-1, required=True)
@option(
    "--seed", type=AtLeast(0), help="Seed for the parameters that are not given; by default a random one."
)
@store_option(required=False)
@debug_option()
def enqueue(exp_key: str, point: tuple[str, ...], seed: int | None, store: str | None) -> None:
    """Add a trial with chosen parameters, which is evaluated before suggested ones.

    POINT is NAME=VALUE for each parameter, such as lr=0.001 model=svc, or a JSON object of them;
    several objects are several trials. Parameters that are not given are drawn at random.
    """
    import numpy as np

    from hpsearch.coordination.added_trials import ENQUEUED, add_trials
    from hpsearch.report.text import params_text
    from hpsearch.space.points import point_of
    from hpsearch.space.tree import Space

    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        experiment = find_experiment(opened.store, exp_key)
        space, rng = Space.from_json(experiment.space), np.random.default_rng(seed)
        try:
            points = [point_of(space, params, rng) for params in _points(point)]
        except SpaceError as error:
            raise click.UsageError(str(error)) from None
        added = add_trials(opened.store, experiment, space, points, ENQUEUED)
        for trial in added:
            click.echo(f"trial {trial.tid}: {params_text(trial.params)}", err=True)
        _explain_end(experiment)


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tid", nargs=-1, type=AtLeast(0))
@option("--failed", is_flag=True, help="Retry all trials that failed.")
@store_option(required=False)
@debug_option()
def retry(exp_key: str, tid: tuple[int, ...], failed: bool, store: str | None) -> None:
    """Evaluate failed trials again, as new trials with the same parameters.

    The failed ones stay, marked as invalid: they count no more, and suggestions do not learn
    from them.
    """
    from hpsearch.coordination.control import retry_trial
    from hpsearch.space.tree import Space

    if failed == bool(tid):
        raise click.UsageError("Name the trials to retry by their numbers, or all failed ones with --failed.")
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        experiment = find_experiment(opened.store, exp_key)
        lost = _failed(opened.store, exp_key, tid)
        space = Space.from_json(experiment.space)
        for trial in lost:
            # One by one: if this command is interrupted, no trial is retried without its mark but the last.
            new = retry_trial(opened.store, experiment, space, trial)
            click.echo(f"trial {trial.tid} is retried as trial {new.tid}", err=True)
        if not lost:
            click.echo(f"No trial of {exp_key} has failed.", err=True)
        _explain_end(experiment)


def _failed(store: TrialStore, exp_key: str, tids: Iterable[int]) -> list[Trial]:
    """Return failed trials that are not marked yet: those with some numbers, or all."""
    from hpsearch.core.trial import State

    numbers = list(dict.fromkeys(tids))
    if not numbers:
        return [t for t in store.trials(exp_key, states={State.FAILED}) if t.invalid is None]
    found = [store.trial(exp_key, number) for number in numbers]
    for trial in found:
        if trial.state is not State.FAILED:
            raise click.UsageError(f"Trial {trial.id} has not failed; it is {trial.state}.")
        if trial.invalid is not None:
            raise click.UsageError(
                f"Trial {trial.id} is invalid already: {trial.invalid.why or 'no reason'}."
            )
    return found


def _points(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the points that a user wrote.

    Raises
    ------
    UsageError
        If one is neither NAME=VALUE nor a JSON object.
    """
    pairs: dict[str, Any] = {}
    points = []
    for text in texts:
        if text.lstrip().startswith("{"):
            points.append(_json_object(text))
            continue
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.UsageError(f"{text!r} is neither NAME=VALUE nor a JSON object.")
        pairs[name] = _value(value)
    if pairs and points:
        raise click.UsageError("Write the point as NAME=VALUE pairs or as JSON objects, not both.")
    return points or [pairs]


def _json_object(text: str) -> dict[str, Any]:
    try:
        point = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is not JSON ({error}).") from None
    assert isinstance(point, dict)
    return point


def _value(text: str) -> Any:
    """Return a value in JSON, or in Python for the constants; any other text is itself."""
    constants = {"None": None, "True": True, "False": False}
    if text in constants:
        return constants[text]
    with suppress(ValueError):
        return json.loads(text)
    return text


def _explain_end(experiment: Experiment) -> None:
    if experiment.state.is_over:
        click.echo(
            f"{experiment.exp_key} has ended ({experiment.state}): the command that ran it evaluates them, "
            "with a larger --max-evals if that limit is reached.",
            err=True,
        )
