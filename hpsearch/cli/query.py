"""``hpsearch status``, ``best``, ``trials``, ``show`` and ``workers``: look, change nothing."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import click

from hpsearch.cli.stores import open_store
from hpsearch.command import DURATION, debug_option, option, store_option
from hpsearch.errors import NotFoundError
from hpsearch.experiment import Experiment
from hpsearch.progress import Progress
from hpsearch.report.summary import failure_reason, progress_of
from hpsearch.report.table import Format, json_text, render
from hpsearch.report.text import duration_text, params_text, value_text
from hpsearch.store.protocol import TrialStore
from hpsearch.trial import State, Trial

F = TypeVar("F", bound=Callable[..., Any])

#: Trials by which the present rate is told.
_RECENT = 50

_STATUS_COLUMNS = (
    "exp_key",
    "state",
    "done",
    "failed",
    "running",
    "pending",
    "max_evals",
    "best_loss",
    "per_minute",
    "left",
    "workers",
)
_BEST_COLUMNS = ("tid", "loss", "params", "duration_s", "worker", "finished_at")
_TRIAL_COLUMNS = ("tid", "state", "loss", "params", "origin", "attempt", "worker", "duration_s", "error")
_WORKER_COLUMNS = (
    "name",
    "host",
    "pid",
    "state",
    "slots",
    "exp_keys",
    "n_done",
    "n_failed",
    "started_at",
    "seen_at",
)


def _query_options(command: F) -> F:
    form = option(
        "--format", "form", type=click.Choice([str(f) for f in Format]), default="table", help="How to print."
    )
    for decorate in (debug_option(), form, store_option(required=False)):
        command = decorate(command)
    return command


@click.command()
@click.argument("exp_key", required=False)
@_query_options
@option("--watch", type=DURATION, is_flag=False, flag_value="2s", help="Print again every so often.")
def status(exp_key: str | None, store: str | None, form: str, watch: float | None) -> None:
    """Show how far searches have come: one, or all of them."""
    with _reading(store) as opened:
        while True:
            wanted = [find_experiment(opened, exp_key)] if exp_key else opened.experiments()
            rows = [_status_row(read_progress(opened, experiment)) for experiment in wanted]
            click.echo(render("status", rows, _STATUS_COLUMNS, Format(form)))
            if watch is None:
                return
            time.sleep(watch)


@click.command()
@click.argument("exp_key", required=False)
@_query_options
@option("-n", "n", type=click.IntRange(min=1), default=1, help="How many.")
def best(exp_key: str | None, store: str | None, form: str, n: int) -> None:
    """Show the best trials, with the values of their parameters."""
    with _reading(store) as opened:
        experiment = find_experiment(opened, exp_key)
        found = list(opened.trials(experiment.exp_key, sort="loss", limit=n))
        if not found:
            raise NotFoundError(f"No trial of {experiment.exp_key} has a loss yet.")
        if n == 1 and form == Format.TABLE:
            click.echo(_best_text(found[0]))
        else:
            click.echo(render("trials", [trial_row(t) for t in found], _BEST_COLUMNS, Format(form)))


@click.command()
@click.argument("exp_key", required=False)
@_query_options
@option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(s) for s in State]),
    help="Only these; repeatable.",
)
@option("--sort", type=click.Choice(["tid", "loss"]), default="tid", help="By number, or best first.")
@option("-n", "n", type=click.IntRange(min=1), help="At most so many.")
def trials(
    exp_key: str | None, store: str | None, form: str, states: tuple[str, ...], sort: str, n: int | None
) -> None:
    """List trials."""
    with _reading(store) as opened:
        experiment = find_experiment(opened, exp_key)
        wanted = {State(s) for s in states} or None
        found = opened.trials(experiment.exp_key, states=wanted, sort=sort, limit=n)
        click.echo(render("trials", [trial_row(t) for t in found], _TRIAL_COLUMNS, Format(form)))


@click.command()
@click.argument("exp_key")
@click.argument("tid", type=click.IntRange(min=0))
@_query_options
def show(exp_key: str, tid: int, store: str | None, form: str) -> None:
    """Show everything about one trial."""
    with _reading(store) as opened:
        experiment = find_experiment(opened, exp_key)
        row = trial_row(opened.trial(experiment.exp_key, tid))
        if form == Format.TABLE:
            click.echo("\n".join(_facts(row)))
        else:
            click.echo(render("trials", [row], _TRIAL_COLUMNS, Format(form)))


@click.command()
@_query_options
def workers(store: str | None, form: str) -> None:
    """List the workers that were seen of late."""
    with _reading(store) as opened:
        rows = [asdict(worker) for worker in opened.workers()]
        click.echo(render("workers", rows, _WORKER_COLUMNS, Format(form)))


def find_experiment(store: TrialStore, exp_key: str | None) -> Experiment:
    """Return an experiment by name; without a name, the only one there is.

    Raises
    ------
    NotFoundError
        If there is none of that name; says which it may have been.
    UsageError
        If there are several and none is named.
    """
    known = {e.exp_key: e for e in store.experiments()}
    if exp_key is None:
        if len(known) == 1:
            return next(iter(known.values()))
        if not known:
            raise NotFoundError("There is no experiment in this database yet.")
        raise click.UsageError(f"Name one of the experiments: {', '.join(known)}.")
    if exp_key in known:
        return known[exp_key]
    close = difflib.get_close_matches(exp_key, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(known) or 'none'}."
    raise NotFoundError(f"There is no experiment {exp_key!r} in this database.{hint}")


def read_progress(store: TrialStore, experiment: Experiment) -> Progress:
    """Ask a store how far an experiment has come."""
    exp_key = experiment.exp_key
    return progress_of(
        experiment,
        store.counts(exp_key),
        next(iter(store.trials(exp_key, sort="loss", limit=1)), None),
        store.workers(),
        store.trials(exp_key, sort="newest", limit=_RECENT),
        store.now(),
    )


def trial_row(trial: Trial) -> dict[str, Any]:
    """Return a trial as a row: all its fields, the worker and the error also as a word."""
    row = asdict(trial)
    row["worker"] = trial.worker.name if trial.worker else None
    row["error"] = failure_reason(trial) if trial.error else None
    row["failure"] = asdict(trial.error) if trial.error else None
    return row


@contextmanager
def _reading(uri: str | None) -> Iterator[TrialStore]:
    with open_store(uri) as opened:
        yield opened.store


def _status_row(progress: Progress) -> dict[str, Any]:
    experiment, best_trial = progress.experiment, progress.best
    return {
        "exp_key": experiment.exp_key,
        "state": experiment.state,
        **{str(state): n for state, n in progress.counts.items()},
        "max_evals": experiment.budget.max_evals,
        "best_loss": best_trial.loss if best_trial else None,
        "best_tid": best_trial.tid if best_trial else None,
        "params": best_trial.params if best_trial else None,
        "per_minute": progress.per_minute,
        "left": duration_text(progress.remaining_s) if progress.remaining_s is not None else None,
        "remaining_s": progress.remaining_s,
        "elapsed_s": progress.elapsed_s,
        "workers": len(progress.workers),
        "ended_why": experiment.ended_why,
        "algorithm": experiment.algorithm.name,
        "seed": experiment.seed,
        "objective": experiment.objective.ref,
    }


def _best_text(trial: Trial) -> str:
    width = max((len(label) for label in trial.params), default=0)
    lines = [f"trial {trial.tid}  loss {value_text(trial.loss)}"]
    return "\n".join(lines + [f"  {k:<{width}}  {value_text(v)}" for k, v in trial.params.items()])


def _facts(row: dict[str, Any]) -> Iterator[str]:
    """Yield the facts of a trial that are there, one a line, long texts last."""
    texts = {}
    for name, value in row.items():
        if value is None or value == () or value == {}:
            continue
        if name == "failure":
            texts.update({k: v for k, v in value.items() if isinstance(v, str)})
        elif name in {"values", "owner"}:
            continue
        elif name == "params":
            yield f"{name:<14}{params_text(value)}"
        else:
            is_nested = isinstance(value, dict | list | tuple)
            yield f"{name:<14}{json_text(value) if is_nested else value_text(value)}"
    for name, text in texts.items():
        yield f"{name}:" if "\n" in text else f"{name:<14}{text}"
        if "\n" in text:
            yield text
