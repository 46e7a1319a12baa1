"""``hpsearch run`` and ``hpsearch coordinator``."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import (
    AtLeast,
    auth_patience_option,
    debug_option,
    health_options,
    log_format_option,
    option,
    store_option,
)
from hpsearch.cli.search_options import SearchOptions, search_options
from hpsearch.cli.store_choice import chosen_file
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import log_to_stderr, print_or_log
from hpsearch.runtime.store_uri import uri_in

if TYPE_CHECKING:
    from hpsearch.cli.coordinator_health import CoordinatorHealth
    from hpsearch.cli.local_workers import LocalWorkers
    from hpsearch.cli.open_store import OpenStore
    from hpsearch.coordination.progress import Progress
    from hpsearch.core.experiment import Experiment
    from hpsearch.report.view import View
    from hpsearch.runtime.signals import Interrupt
    from hpsearch.space.tree import Space

#: The lag with one concurrent trial: while it runs, the next one is suggested from the finished ones.
_SINGLE_LAG = 1

#: Seconds that workers may take to start, which do not count towards --timeout.
START_GRACE_S = 60.0


@click.command(cls=Command)
@click.argument("target", nargs=-1, required=True, metavar="TARGET | -- COMMAND...")
@search_options
@store_option(required=False)
@option("--workers", type=AtLeast(0), default=1, help="Number of local workers.")
@option(
    "--gpus",
    metavar="auto|none|LIST",
    help="Give each concurrent trial of the local workers its own GPU: from all, or from a list.",
)
@option("--ephemeral", is_flag=True, help="Use a private MongoDB that is deleted at the end.")
@auth_patience_option()
@health_options
@log_format_option()
@debug_option()
def run(
    target: tuple[str, ...],
    store: str | None,
    workers: int,
    gpus: str | None,
    ephemeral: bool,
    auth_patience: float,
    health_port: int | None,
    health_host: str,
    **options: Any,
) -> None:
    """Search with a coordinator and local workers in one command.

    TARGET is the objective, file.py[:name] or package.module[:name]; the search space is `space`
    beside it. After --, it is a command with holes for the parameters, such as
    `-- python train.py --lr {lr}`, and --space names the space. Without --store, the private
    MongoDB of this machine stores the trials. The same command continues the search later.
    """
    from hpsearch.cli.coordinator_health import CoordinatorHealth
    from hpsearch.cli.local_workers import LocalWorkers, gpus_of_workers, slots_of_worker
    from hpsearch.cli.outcome import report_outcome
    from hpsearch.cli.search_opening import describe, open_experiment
    from hpsearch.core.trial import State
    from hpsearch.mongod.directory import LOGS
    from hpsearch.objective.command.own_commands import note_own_command
    from hpsearch.report.text import duration_text
    from hpsearch.report.view import choose_view
    from hpsearch.runtime.signals import Interrupt
    from hpsearch.runtime.systemd import take_notifier
    from hpsearch.runtime.user_data import home

    if ephemeral and store is not None:
        raise click.UsageError("--ephemeral uses a private MongoDB: leave --store out.")
    log_to_stderr(logging.WARNING)
    notifier = take_notifier(os.environ)
    search = SearchOptions(**options)
    shares = gpus_of_workers(gpus, workers, os.environ)
    n_slots = workers * slots_of_worker(os.environ)
    wanted, space = describe(target, search, n_slots)
    with (
        Interrupt() as interrupt,
        _serving_health(CoordinatorHealth(notifier, interrupt), health_host, health_port) as health,
        _opened(store, interrupt, health, auth_patience, is_ephemeral=ephemeral) as opened,
    ):
        experiment = open_experiment(opened.store, wanted, space, search)
        note_own_command(experiment)
        log_dir = home() / LOGS / experiment.exp_key
        print_or_log(
            f"Searching as {experiment.exp_key}, seed {experiment.seed}; workers write to {log_dir}.",
            Event.SEARCHING.of(exp_key=experiment.exp_key, seed=experiment.seed),
        )
        # The view stays until the local workers have finished their trials.
        with (
            closing(choose_view()) as view,
            LocalWorkers(
                workers,
                opened.uri,
                experiment.exp_key,
                log_dir,
                drain_timeout_s=search.drain_timeout,
                auth_patience_s=auth_patience,
                store_file=chosen_file(click.get_current_context()),
                is_forced=lambda: interrupt.is_forced,
                gpus=shares,
            ) as local,
        ):
            lag_alone = _SINGLE_LAG if n_slots == 1 else None
            progress = _run_to_end(
                opened, experiment, space, search, interrupt, health, view, local, lag_alone
            )
            if interrupt.is_asked and progress.counts[State.RUNNING]:
                text = f"Running trials have {duration_text(search.drain_timeout)} to finish"
                print_or_log(
                    f"{text}; interrupt again to release them at once.",
                    Event.WORKERS_DRAINING.of(drain_timeout_s=search.drain_timeout),
                )
        report_outcome(opened.store, progress, space, interrupt, is_ephemeral=ephemeral)


@click.command(cls=Command)
@click.argument("target", nargs=-1, required=True, metavar="TARGET | -- COMMAND...")
@search_options
@store_option(required=True)
@auth_patience_option()
@health_options
@log_format_option()
@debug_option()
def coordinator(
    target: tuple[str, ...],
    store: str,
    auth_patience: float,
    health_port: int | None,
    health_host: str,
    **options: Any,
) -> None:
    """Search with workers that are started separately.

    TARGET is the objective, file.py[:name] or package.module[:name]; the search space is `space`
    beside it. After --, it is a command with holes for the parameters, and --space names the space.
    A second coordinator of the same experiment waits as a standby.
    """
    from hpsearch.cli.coordinator_health import CoordinatorHealth
    from hpsearch.cli.outcome import report_outcome
    from hpsearch.cli.search_opening import describe, open_experiment
    from hpsearch.objective.command.own_commands import note_own_command
    from hpsearch.report.view import choose_view
    from hpsearch.runtime.signals import Interrupt
    from hpsearch.runtime.systemd import take_notifier

    log_to_stderr(logging.WARNING)
    notifier = take_notifier(os.environ)
    search = SearchOptions(**options)
    wanted, space = describe(target, search)
    with (
        Interrupt() as interrupt,
        _serving_health(CoordinatorHealth(notifier, interrupt), health_host, health_port) as health,
        _opened(store, interrupt, health, auth_patience) as opened,
    ):
        experiment = open_experiment(opened.store, wanted, space, search)
        note_own_command(experiment)
        print_or_log(
            f"Searching as {experiment.exp_key}, seed {experiment.seed}; start workers with\n"
            f"  HPSEARCH_STORE=... hpsearch worker --exp-key {experiment.exp_key}",
            Event.SEARCHING.of(exp_key=experiment.exp_key, seed=experiment.seed),
        )
        with closing(choose_view()) as view:
            progress = _run_to_end(opened, experiment, space, search, interrupt, health, view)
        report_outcome(opened.store, progress, space, interrupt, is_ephemeral=False)


def _run_to_end(
    opened: OpenStore,
    experiment: Experiment,
    space: Space,
    search: SearchOptions,
    interrupt: Interrupt,
    health: CoordinatorHealth,
    view: View,
    local: LocalWorkers | None = None,
    lag_alone: int | None = None,
) -> Progress:
    """Lead the search to its end, show its progress, and keep the local workers running."""
    from hpsearch.coordination.coordinator import Coordinator
    from hpsearch.coordination.run_loop import run_to_end

    def show(progress: Progress) -> None:
        view.show(progress if local is None else replace(progress, n_starting=local.n_starting))
        health.show(progress)

    def is_interrupted() -> bool:
        health.alive()  # called every round, and often while running trials finish
        return interrupt.is_asked

    try:
        with health.watchdog.loop("coordinator"):
            health.coordinator = Coordinator(
                opened.store, experiment, space=space, lag_alone=lag_alone, start_grace_s=START_GRACE_S
            )
            return run_to_end(
                health.coordinator,
                show=show,
                grace_s=search.drain_timeout,
                is_interrupted=is_interrupted,
                check=lambda progress: None if local is None else local.check(),
            )
    finally:
        health.stopping()


@contextmanager
def _serving_health(health: CoordinatorHealth, host: str, port: int | None) -> Iterator[CoordinatorHealth]:
    """Serve probes and metrics, if a port is given."""
    from hpsearch.runtime.health.server import serving

    with serving(host, port, health) as url:
        if url is not None:
            print_or_log(f"Health at {url}.", Event.HEALTH_SERVED.of(url=url))
        yield health


@contextmanager
def _opened(
    uri: str | None,
    interrupt: Interrupt,
    health: CoordinatorHealth,
    auth_patience_s: float,
    *,
    is_ephemeral: bool = False,
) -> Iterator[OpenStore]:
    """Open the store; after that, wait for the end of an outage without a limit, unless a signal arrives."""
    from hpsearch.cli.open_store import PATIENCE_S, open_store
    from hpsearch.store.mongo.patience import Patience

    def may_wait() -> bool:
        health.alive()  # a coordinator that waits for its database is not stuck
        return not interrupt.is_asked

    patience = Patience(PATIENCE_S, auth_patience_s, may_wait=may_wait)
    store_file = chosen_file(click.get_current_context())
    with open_store(
        uri,
        is_ephemeral=is_ephemeral,
        patience=patience,
        on_contact=health.alive,
        read_uri=None if store_file is None else partial(uri_in, store_file),
    ) as opened:
        patience.away_s = math.inf
        health.contact = opened.store.contact
        yield opened
