"""``hpsearch worker``, also ``hpsearch-worker``: the options of a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import (
    DURATION,
    POSITIVE_DURATION,
    auth_patience_option,
    debug_option,
    health_options,
    log_format_option,
    option,
    secret_option,
    store_option,
)
from hpsearch.cli.process import as_process, run_and_exit
from hpsearch.cli.store_choice import chosen_file
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.escaping import shown
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.runtime.store_uri import STORE, uri_in
from hpsearch.runtime.user_paths import user_path

#: Characters of a worker's name.
_MAX_NAME = 300


def _checked_name(context: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """Refuse a name that is not printable or too long."""
    if name and not (name.isprintable() and len(name) <= _MAX_NAME):
        text = f"{shown(name)} cannot name a worker; use up to {_MAX_NAME} printable characters."
        raise click.BadParameter(text, context, param)
    return name


@click.command("worker", cls=Command)
@store_option(required=True)
@option(
    "--exp-key",
    "exp_keys",
    multiple=True,
    metavar="KEY",
    envvar="HPSEARCH_WORKER_EXP_KEY",
    help="Serve only this experiment; repeatable.",
)
@option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="Run only objectives that match module:function or file.py:function, with * for any name; "
    "by-value allows signed objectives; repeatable. [default: run all]",
)
@option("--concurrency", type=click.IntRange(min=1), default=1, help="Number of concurrent trials.")
@option("--burst", is_flag=True, help="Leave when there is nothing more to do, instead of waiting.")
@option("--max-trials", type=click.IntRange(min=1), help="Leave after this number of trials.")
@option(
    "--claim-for", type=DURATION, help="Claim no trials after this time; leave when the last one has ended."
)
@option("--max-idle", type=DURATION, help="Leave after this time without a trial.")
@option("--max-runtime", type=DURATION, help="Drain and leave after this time.")
@option(
    "--max-consecutive-failures",
    type=click.IntRange(min=1),
    help="Leave after this number of failures in a row.",
)
@option(
    "--trial-timeout",
    type=POSITIVE_DURATION,
    help="Stop an evaluation after this time [default: that of the experiment].",
)
@option(
    "--drain-timeout",
    type=DURATION,
    default="30s",
    help="Time for a running trial to finish after SIGTERM or SIGINT; then it is released.",
)
@option(
    "--workdir",
    type=click.Path(file_okay=False),
    help="Working folder of evaluations, created if missing [default: that of the worker].",
)
@option(
    "--gpus",
    metavar="auto|none|LIST",
    help="Give each concurrent trial its own GPU: from all, or from a list such as 0,1,3. "
    "[default: all trials see the GPUs of the worker]",
)
@option("--name", callback=_checked_name, help="Name of the worker [default: host-pid].")
@option(
    "--isolate/--no-isolate",
    default=True,
    help="Evaluate in a separate process, or (less overhead, no protection) in the worker's.",
)
@option("--echo/--no-echo", default=True, help="Print the output of the objective.")
@secret_option()
@auth_patience_option()
@health_options
@log_format_option()
@option("--parent", type=int, hidden=True, help="Drain when this parent process dies.")
@option(
    "--started-fd", type=int, hidden=True, help="Write a byte to this descriptor when the worker has started."
)
@option("--log-file", hidden=True, help="File that stdout and stderr are redirected to, to limit its size.")
@debug_option()
def worker(
    store: str,
    exp_keys: tuple[str, ...],
    allow: tuple[str, ...],
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
    gpus: str | None,
    name: str | None,
    isolate: bool,
    echo: bool,
    secret_file: str | None,
    auth_patience: float,
    health_port: int | None,
    health_host: str,
    parent: int | None,
    started_fd: int | None,
    log_file: str | None,
) -> None:
    """Evaluate trials: claim one, call the objective, store the loss, repeat.

    Without a limit, the worker waits for trials forever, also while MongoDB is away. SIGTERM or
    Ctrl-C drains it: the running trial finishes, or is released after the drain timeout. A second
    signal ends it at once.
    """
    import socket

    from hpsearch.runtime.gpus import assign_gpus, find_gpus
    from hpsearch.runtime.parent_death import die_with_parent
    from hpsearch.runtime.signals import Interrupt
    from hpsearch.runtime.systemd import take_notifier
    from hpsearch_worker.log_file import LogFile
    from hpsearch_worker.loop import Limits
    from hpsearch_worker.objective_allowlist import Allowlist
    from hpsearch_worker.run_worker import Options, serve
    from hpsearch_worker.shutdown import Shutdown

    if not isolate and concurrency > 1:
        raise click.UsageError("--no-isolate evaluates one trial at a time: leave --concurrency at 1.")
    if parent is not None:
        die_with_parent(parent, signal.SIGTERM)
    if started_fd is not None:
        os.set_inheritable(started_fd, False)
    if log_file is not None:
        LogFile(Path(log_file)).keep_small()
    name = name or f"{socket.gethostname()}-{os.getpid()}"
    log_to_stderr(worker=name)
    notifier = take_notifier(os.environ)
    options = Options(
        exp_keys=exp_keys,
        allowlist=Allowlist.of(allow, Path.cwd()) if allow else None,
        name=name,
        concurrency=concurrency,
        is_isolated=isolate,
        echo=echo,
        max_trials=max_trials,
        claim_for_s=claim_for,
        workdir=None if workdir is None else _created_folder(workdir),
        gpus=None if gpus is None else assign_gpus(find_gpus(gpus, os.environ), concurrency),
        secret=_take_secret(secret_file),
        auth_patience_s=auth_patience,
        read_uri=_reader(click.get_current_context()),
        health_host=health_host,
        health_port=health_port,
        limits=Limits(
            is_burst=burst,
            max_idle_s=max_idle,
            max_consecutive_failures=max_consecutive_failures,
            trial_timeout_s=trial_timeout,
        ),
    )
    with Interrupt() as interrupt:
        shutdown = Shutdown(interrupt, drain_timeout, max_runtime)
        serve(store, options, shutdown, notifier, on_start=lambda: _notify_parent(started_fd))
        if interrupt.is_forced:
            raise click.exceptions.Exit(interrupt.exit_code)


def main_of_process() -> NoReturn:
    """Run ``hpsearch-worker``, and end the process."""
    as_process(lambda: run_and_exit(worker, "hpsearch-worker", "HPSEARCH_WORKER"))


def _reader(context: click.Context) -> Callable[[], str] | None:
    """Return a function that reads the URI again from its file; the caller of this command may pass one."""
    file = chosen_file(context)
    read: Callable[[], str] | None = context.obj if file is None else partial(uri_in, file)
    return read


def _created_folder(folder: str) -> str:
    """Create a folder if it is missing, and return its absolute path."""
    path = user_path(folder).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The working folder {path} cannot be created: {error.strerror}.") from error
    return str(path)


def _notify_parent(fd: int | None) -> None:
    """Report to the parent process that the worker has started."""
    if fd is not None:
        with suppress(OSError):  # the parent has ended
            os.write(fd, b"1")
        os.close(fd)


def _take_secret(file: str | None) -> bytes | None:
    """Return the secret, and remove it and the URI from the environment, which evaluations inherit."""
    from hpsearch.objective.by_value.secret import SECRET, read_secret

    secret = read_secret(os.environ, file)
    for name in (SECRET, STORE):
        os.environ.pop(name, None)
    return secret
