"""``hpsearch run`` and ``hpsearch coordinator``."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from hpsearch.cli.conclude import conclude
from hpsearch.cli.local_workers import LocalWorkers, gpus_of_workers
from hpsearch.cli.search import SearchOptions, describe, open_experiment, search_options
from hpsearch.cli.stores import OpenStore, open_store, patient
from hpsearch.command import AtLeast, debug_option, log_to_stderr, option, store_option
from hpsearch.conduct import conduct
from hpsearch.coordinator import Coordinator
from hpsearch.experiment import Experiment
from hpsearch.interrupt import Interrupt
from hpsearch.mongod import home
from hpsearch.notify import Notifier, take_notifier
from hpsearch.progress import Progress
from hpsearch.report.text import duration_text
from hpsearch.report.view import choose_view
from hpsearch.trial import State


@click.command()
@click.argument("target")
@search_options
@store_option(required=False)
@option("--workers", type=AtLeast(0), default=1, help="Local workers.")
@option(
    "--gpus",
    metavar="auto|none|LIST",
    help="Let each concurrent trial of the local workers see one GPU of its own: of all, or of a list.",
)
@option("--ephemeral", is_flag=True, help="Use a private MongoDB that is thrown away at the end.")
@debug_option()
def run(
    target: str, store: str | None, workers: int, gpus: str | None, ephemeral: bool, **options: Any
) -> None:
    """Search: a coordinator and local workers in one command.

    TARGET is file.py[:name] or package.module:name, the objective; the search space is
    `space` beside it. Without --store, a private MongoDB of this machine keeps the trials,
    and running the same command again goes on where it was.
    """
    if ephemeral and store is not None:
        raise click.UsageError("--ephemeral is a private MongoDB: leave --store out.")
    log_to_stderr(logging.WARNING)
    notifier = take_notifier(os.environ)
    search = SearchOptions(**options)
    shares = gpus_of_workers(gpus, workers, os.environ)
    wanted = describe(target, search)
    with Interrupt() as interrupt, _opened(store, interrupt, notifier, is_ephemeral=ephemeral) as opened:
        experiment = open_experiment(opened.store, wanted, search)
        log_dir = home() / "logs" / experiment.exp_key
        click.echo(f"Searching as {experiment.exp_key}; workers write to {log_dir}.", err=True)
        with LocalWorkers(
            workers,
            opened.uri,
            experiment.exp_key,
            log_dir,
            drain_timeout_s=search.drain_timeout,
            is_forced=lambda: interrupt.is_forced,
            gpus=shares,
        ) as local:
            progress = _conduct(opened, experiment, search, interrupt, notifier, check=local.check)
            if interrupt.is_asked and progress.counts[State.RUNNING]:
                text = f"Running trials have {duration_text(search.drain_timeout)} to finish"
                click.echo(f"{text}; interrupt again to give them back at once.", err=True)
        conclude(opened.store, progress, interrupt, is_ephemeral=ephemeral)


@click.command()
@click.argument("target")
@search_options
@store_option(required=True)
@debug_option()
def coordinator(target: str, store: str, **options: Any) -> None:
    """Search with workers that are started elsewhere.

    TARGET is file.py[:name] or package.module:name, the objective; the search space is
    `space` beside it. A second coordinator of the same experiment waits as standby.
    """
    log_to_stderr(logging.WARNING)
    notifier = take_notifier(os.environ)
    search = SearchOptions(**options)
    wanted = describe(target, search)
    with Interrupt() as interrupt, _opened(store, interrupt, notifier) as opened:
        experiment = open_experiment(opened.store, wanted, search)
        click.echo(f"Searching as {experiment.exp_key}; start workers with", err=True)
        click.echo(f"  HPSEARCH_STORE=... hpsearch worker --exp-key {experiment.exp_key}", err=True)
        progress = _conduct(opened, experiment, search, interrupt, notifier)
        conclude(opened.store, progress, interrupt, is_ephemeral=False)


def _conduct(
    opened: OpenStore,
    experiment: Experiment,
    search: SearchOptions,
    interrupt: Interrupt,
    notifier: Notifier,
    check: Callable[[], None] = lambda: None,
) -> Progress:
    """Lead the search to its end, and show it meanwhile; what ``check`` raises every round ends it here."""
    view = choose_view()

    def show(progress: Progress) -> None:
        view.show(progress)
        notifier.ready()
        notifier.status(_status(progress))

    def is_interrupted() -> bool:
        notifier.alive()  # asked every round, and often while running trials are given their time
        return interrupt.is_asked

    try:
        return conduct(
            Coordinator(opened.store, experiment),
            show=show,
            grace_s=search.drain_timeout,
            is_interrupted=is_interrupted,
            check=lambda progress: check(),
        )
    finally:
        notifier.stopping()
        view.close()


def _status(progress: Progress) -> str:
    """Return what a service manager shows of the search."""
    role = "standby of" if progress.is_standby else "leads"
    counts = ", ".join(f"{progress.counts[s]} {s}" for s in (State.RUNNING, State.DONE, State.FAILED))
    return f"{role} {progress.experiment.exp_key}: {counts}"


@contextmanager
def _opened(
    uri: str | None, interrupt: Interrupt, notifier: Notifier, *, is_ephemeral: bool = False
) -> Iterator[OpenStore]:
    """Open the store; from then on an outage is waited out, unless a signal ends the waiting."""
    patience = _Patience(interrupt, notifier)
    with open_store(uri, is_ephemeral=is_ephemeral, patience=patience) as opened:
        patience.has_started = True
        yield opened


class _Patience:
    """Tries for a while at first, then for as long as nobody interrupts."""

    def __init__(self, interrupt: Interrupt, notifier: Notifier) -> None:
        self._interrupt = interrupt
        self._notifier = notifier
        self.has_started = False

    def __call__(self, seconds_away: float) -> bool:
        self._notifier.alive()  # a coordinator that waits for its database is not stuck
        if not self.has_started:
            return patient(seconds_away)
        return not self._interrupt.is_asked
