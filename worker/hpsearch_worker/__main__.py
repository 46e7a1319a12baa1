"""``hpsearch-worker``: the options, and the worker put together."""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import click

import hpsearch
from hpsearch.command import (
    DURATION,
    POSITIVE_DURATION,
    debug_option,
    log_to_stderr,
    option,
    run_and_exit,
    secret_option,
    store_option,
)
from hpsearch.errors import ConfigurationError
from hpsearch.fleet import Worker, WorkerState
from hpsearch.interrupt import Interrupt
from hpsearch.payload import SECRET, read_secret
from hpsearch.store.mongo import MongoStore
from hpsearch.store.protocol import TrialStore
from hpsearch_worker.directory import Directory
from hpsearch_worker.evaluator import Evaluator
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.inline import InlineEvaluator
from hpsearch_worker.isolated import IsolatedEvaluator
from hpsearch_worker.letters import Letters
from hpsearch_worker.lifeline import die_with_parent
from hpsearch_worker.loop import Limits, Slot
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.tally import Tally

log = logging.getLogger(__name__)

#: Seconds that a worker tries to reach the database when it starts; later it waits for ever.
_START_PATIENCE_S = 30.0

#: Seconds for which the registry remembers a worker that has left.
_REMEMBERED_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to work."""

    exp_keys: tuple[str, ...]
    name: str
    concurrency: int
    is_isolated: bool
    echo: bool
    max_trials: int | None
    claim_for_s: float | None
    max_runtime_s: float | None
    workdir: str | None
    drain_timeout_s: float
    limits: Limits
    secret: bytes | None = field(repr=False)


@click.command("worker")
@store_option(required=True)
@option(
    "--exp-key",
    "exp_keys",
    multiple=True,
    metavar="KEY",
    envvar="HPSEARCH_WORKER_EXP_KEY",
    help="Serve only this experiment; repeatable.",
)
@option("--concurrency", type=click.IntRange(min=1), default=1, help="Trials evaluated at a time.")
@option("--burst", is_flag=True, help="Leave when nothing is left to do, instead of waiting.")
@option("--max-trials", type=click.IntRange(min=1), help="Leave after taking so many trials.")
@option(
    "--claim-for", type=DURATION, help="Take no more trials after so long; leave once the last has ended."
)
@option("--max-idle", type=DURATION, help="Leave after so long without a trial.")
@option("--max-runtime", type=DURATION, help="Drain and leave after so long.")
@option(
    "--max-consecutive-failures", type=click.IntRange(min=1), help="Leave after so many failures in a row."
)
@option(
    "--trial-timeout",
    type=POSITIVE_DURATION,
    help="Stop an evaluation after so long [default: the experiment's].",
)
@option(
    "--drain-timeout",
    type=DURATION,
    default="30s",
    help="Time that a running trial still has after SIGTERM or SIGINT; then it is given back.",
)
@option(
    "--workdir",
    type=click.Path(file_okay=False),
    help="Folder in which each evaluation begins, made if missing [default: the worker's own].",
)
@option("--name", help="Name in the registry [default: host-pid].")
@option(
    "--isolate/--no-isolate",
    default=True,
    help="Evaluate in a process of its own, or (less overhead, no protection) in the worker's.",
)
@option("--echo/--no-echo", default=True, help="Pass on what the objective prints.")
@secret_option()
@option("--parent", type=int, hidden=True, help="Drain when this process, which started the worker, dies.")
@debug_option()
def worker(
    store: str,
    exp_keys: tuple[str, ...],
    concurrency: int,
    burst: bool,
    max_trials: int | None,
    claim_for: float | None,
    max_idle: float | None,
    max_runtime: float | None,
    max_consecutive_failures: int | None,
    trial_timeout: float | None,
    drain_timeout: float,
    workdir: str | None,
    name: str | None,
    isolate: bool,
    echo: bool,
    secret_file: str | None,
    parent: int | None,
) -> None:
    """Evaluate trials: claim one, call the objective, write the loss back, go on.

    Waits for work for ever unless told otherwise, also while MongoDB is away. SIGTERM or
    Ctrl-C drains: the running trial is finished, or given back after the drain timeout; a
    second one forces.
    """
    if not isolate and concurrency > 1:
        raise click.UsageError("--no-isolate evaluates one trial at a time: leave --concurrency at 1.")
    if parent is not None:
        die_with_parent(parent, signal.SIGTERM)
    log_to_stderr()
    options = Options(
        exp_keys=exp_keys,
        name=name or f"{socket.gethostname()}-{os.getpid()}",
        concurrency=concurrency,
        is_isolated=isolate,
        echo=echo,
        max_trials=max_trials,
        claim_for_s=claim_for,
        workdir=None if workdir is None else _made(workdir),
        max_runtime_s=max_runtime,
        drain_timeout_s=drain_timeout,
        secret=_taken_secret(secret_file),
        limits=Limits(
            is_burst=burst,
            max_idle_s=max_idle,
            max_consecutive_failures=max_consecutive_failures,
            trial_timeout_s=trial_timeout,
        ),
    )
    with Interrupt() as interrupt:
        shutdown = Shutdown(interrupt, drain_timeout, max_runtime)
        _serve(store, options, shutdown)
        if interrupt.is_forced:
            raise click.exceptions.Exit(interrupt.exit_code)


def main() -> NoReturn:
    """Run ``hpsearch-worker``."""
    run_and_exit(worker, "hpsearch-worker", "HPSEARCH_WORKER")


def _made(folder: str) -> str:
    """Make a folder if it is missing, and return its absolute path."""
    path = Path(folder).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The working folder {path} cannot be made: {error.strerror}.") from error
    return str(path)


def _taken_secret(file: str | None) -> bytes | None:
    """Return the secret, and take it out of the environment, which evaluating processes inherit."""
    secret = read_secret(os.environ, file)
    os.environ.pop(SECRET, None)
    return secret


def _serve(uri: str, options: Options, shutdown: Shutdown) -> None:
    """Work until there is a reason to leave; raises that reason if it is an error."""
    me = Worker(
        name=options.name,
        host=socket.gethostname(),
        pid=os.getpid(),
        slots=options.concurrency,
        exp_keys=options.exp_keys,
        versions={"python": platform.python_version(), "hpsearch": hpsearch.__version__},
    )
    tally = Tally(me, options.max_trials, options.claim_for_s)
    patience = _Patience(shutdown, tally)
    store = MongoStore.connect(uri, patience=patience)
    try:
        heartbeat = Heartbeat(store, lambda: tally.worker(is_draining=shutdown.is_draining()))
        heartbeat.start()
        patience.has_started = True
        serving = ", ".join(options.exp_keys) or "any experiment"
        log.info("worker %s serves %s, %d at a time", options.name, serving, options.concurrency)
        _work(store, options, shutdown, tally, heartbeat)
        shutdown.drain()
        left = replace(tally.worker(), state=WorkerState.STOPPED)
        heartbeat.stop(left, _REMEMBERED_S)
        log.info("worker %s leaves: %d done, %d failed", left.name, left.n_done, left.n_failed)
    finally:
        store.close()
    if shutdown.error is not None:
        raise shutdown.error


def _work(
    store: TrialStore, options: Options, shutdown: Shutdown, tally: Tally, heartbeat: Heartbeat
) -> None:
    directory = Directory(store, options.exp_keys)
    letters = Letters(store, options.secret)
    slots = [
        Slot(
            store=store,
            evaluator=_evaluator(options, letters),
            directory=directory,
            heartbeat=heartbeat,
            tally=tally,
            shutdown=shutdown,
            limits=options.limits,
        )
        for _ in range(options.concurrency)
    ]
    if len(slots) == 1:
        slots[0].work()  # in the main thread, which an objective in this process needs
    else:
        _in_threads([slot.work for slot in slots])


def _evaluator(options: Options, letters: Letters) -> Evaluator:
    if options.is_isolated:
        return IsolatedEvaluator(echo=options.echo, workdir=options.workdir, letters=letters)
    return InlineEvaluator(workdir=options.workdir, letters=letters)


def _in_threads(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call, name=f"slot-{i}") for i, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)  # in steps, so that signals are handled meanwhile


class _Patience:
    """How long to wait for a database that is away: for ever, but not on the way in or out."""

    def __init__(self, shutdown: Shutdown, tally: Tally) -> None:
        self._shutdown = shutdown
        self._tally = tally
        self.has_started = False

    def __call__(self, seconds_away: float) -> bool:
        if not self.has_started:
            return seconds_away < _START_PATIENCE_S and not self._shutdown.is_draining()
        # Once it should leave, only a trial in hand is worth waiting for.
        if self._shutdown.is_draining() and not self._tally.is_busy:
            return False
        return not self._shutdown.is_time_up()


if __name__ == "__main__":
    sys.exit(main())
