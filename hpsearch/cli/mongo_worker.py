"""``hpsearch-mongo-worker``: the worker with the flags of ``hyperopt-mongo-worker``.

The flags are translated into arguments of ``hpsearch worker``, which this command prints and then calls.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # Python puts the current folder first on the path; its modules must not shadow those of a library.
    sys.path.append(sys.path.pop(0))

import math
import os
import shlex
import signal
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import log_format_option
from hpsearch.cli.process import as_process, run_and_exit
from hpsearch.cli.worker import worker
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import log_to_stderr, print_or_log
from hpsearch.runtime.store_uri import STORE, STORE_FILE, uri_in
from hpsearch.runtime.user_paths import user_path
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from hpsearch.store.mongo.uri import uri_with_masks

_POLLING = (
    "--poll-interval has no effect: this worker looks for the next trial immediately after each trial, "
    "and every 0.1 to 1.5 s while there is none."
)
_ONE_FOLDER = "--workdir: all evaluations start in this folder, instead of a new folder for each of them."
_MAX_JOBS_IN_DB = (
    "--max-jobs-in-db is not supported, since the search limits the number of trials: "
    "leave it out, and pass max_evals to fmin, or --max-evals to `hpsearch run`."
)

#: A number of trials or seconds from which there is no limit; Hyperopt's default is the largest integer.
_UNLIMITED = 3650 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The values of Hyperopt's flags; times in seconds, infinity for no limit."""

    exp_key: str | None = None
    last_job_timeout: float = math.inf
    max_consecutive_failures: float = 4
    max_jobs: float = math.inf
    reserve_timeout: float = 120.0
    workdir: str | None = None
    use_subprocesses: bool = True


class _Number(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """A number that Hyperopt reads as a float, or ``inf``.

    Parameters
    ----------
    low : float
        The smallest valid number.
    is_whole : bool
        Whether it must be an integer.
    """

    name = "number"

    def __init__(self, low: float, *, is_whole: bool) -> None:
        self._low, self._is_whole = low, is_whole

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if number >= _UNLIMITED:
            return math.inf
        if number >= self._low and (number.is_integer() or not self._is_whole):
            return number
        kind = "whole number" if self._is_whole else "number"
        raise click.BadParameter(f"{value!r} is not a {kind} of at least {self._low:g}, or inf.", ctx, param)


_COUNT = _Number(1, is_whole=True)
_SECONDS = _Number(0, is_whole=False)


def _chosen_mongo(context: click.Context, param: click.Parameter, mongo: str) -> str:
    """Return the URI from the command line, else the store file, else the environment, else the default."""
    path = os.environ.get(STORE_FILE)
    if not path or context.get_parameter_source("mongo") is ParameterSource.COMMANDLINE:
        return mongo
    file = str(user_path(path).absolute())
    context.obj = lambda: jobs_address(uri_in(file)).uri
    return uri_in(file)


@click.command("mongo-worker", cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--exp-key", metavar="KEY", help="Serve only this experiment [default: any].")
@click.option(
    "--last-job-timeout",
    type=_SECONDS,
    metavar="T",
    default=math.inf,
    help="Claim no jobs after T seconds.",
)
@click.option(
    "--max-consecutive-failures",
    type=_COUNT,
    metavar="N",
    default=4,
    show_default=True,
    help="Leave after N failed jobs in a row, with exit code 70.",
)
@click.option(
    "--max-jobs", type=_COUNT, metavar="N", default=math.inf, show_default=True, help="Leave after N jobs."
)
@click.option(
    "--mongo",
    metavar="HOST[:PORT]/DB",
    default="localhost/hyperopt",
    envvar=STORE,
    show_default=True,
    show_envvar=True,
    callback=_chosen_mongo,
    help="The database with the jobs; also a complete mongo:// or mongodb:// URI. HPSEARCH_STORE_FILE may "
    "name a file that contains it.",
)
@click.option("--poll-interval", type=_SECONDS, metavar="N", help="Accepted without effect.")
@click.option(
    "--reserve-timeout",
    type=_SECONDS,
    metavar="T",
    default=120,
    show_default=True,
    help="Wait up to T seconds for a job; leave after as many waits in a row as failures are allowed.",
)
@click.option("--workdir", metavar="DIR", help="Working folder of evaluations, created if missing.")
@click.option(
    "--no-subprocesses",
    is_flag=True,
    help="Evaluate in the worker's process, without protection against crashes of the objective.",
)
@click.option(
    "--max-jobs-in-db",
    type=_COUNT,
    metavar="N",
    default=math.inf,
    help="Not supported: limit the search instead.",
)
@log_format_option()
def mongo_worker(
    mongo: str,
    poll_interval: float | None,
    no_subprocesses: bool,
    max_jobs_in_db: float,
    **same_names: Any,
) -> None:
    """Evaluate trials with the flags of hyperopt-mongo-worker.

    Prints the equivalent `hpsearch worker` command. SIGTERM, Ctrl-C and SIGUSR1 drain the worker: the
    running trial finishes, or is released after 30 s (HPSEARCH_WORKER_DRAIN_TIMEOUT). A second
    signal ends it at once. The exit code is 0 even if the worker had no trial.
    """
    if max_jobs_in_db < math.inf:
        raise click.UsageError(_MAX_JOBS_IN_DB)
    try:
        uri = jobs_address(mongo).uri
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--mongo") from error
    flags = Flags(use_subprocesses=not no_subprocesses, **same_names)
    arguments = worker_arguments(flags)
    command = worker_command(uri, arguments)
    log_to_stderr()
    print_or_log(f"The equivalent command:\n  {command}", Event.FLAGS_TRANSLATED.of(command=command))
    for notice, is_due in ((_POLLING, poll_interval is not None), (_ONE_FOLDER, flags.workdir is not None)):
        if is_due:
            print_or_log(notice, Event.FLAG_WITHOUT_EFFECT.of())
    signal.signal(signal.SIGUSR1, _drain)
    worker.main(
        ["--store", uri, *arguments],
        prog_name="hpsearch worker",
        standalone_mode=False,
        auto_envvar_prefix="HPSEARCH_WORKER",
        obj=click.get_current_context().obj,
    )


def worker_arguments(flags: Flags) -> list[str]:
    """Return the arguments of ``hpsearch worker`` for the flags.

    Hyperopt starts a process for each job, which fails after waiting ``reserve_timeout``, so its worker
    leaves after as many waits as failures are allowed. Ours leaves after the same idle time, and counts no
    failures.
    """
    arguments = [] if flags.exp_key is None else ["--exp-key", flags.exp_key]
    has_one_wait = not flags.use_subprocesses or flags.max_jobs == 1
    idle_s = flags.reserve_timeout * (1 if has_one_wait else flags.max_consecutive_failures)
    limits = (
        ("--max-trials", flags.max_jobs, "{:.0f}"),
        ("--claim-for", flags.last_job_timeout, "{:.3f}s"),
        ("--max-idle", idle_s or math.inf, "{:.3f}s"),  # in Hyperopt, 0 means no limit
        ("--max-consecutive-failures", flags.max_consecutive_failures, "{:.0f}"),
    )
    for name, limit, form in limits:
        if limit < _UNLIMITED:
            arguments += [name, form.format(limit).replace(".000s", "s")]
    if flags.workdir is not None:
        arguments += ["--workdir", flags.workdir]
    return arguments if flags.use_subprocesses else [*arguments, "--no-isolate"]


def worker_command(uri: str, arguments: list[str]) -> str:
    """Return the equivalent command for a shell.

    Parameters
    ----------
    uri : str
        URI of the database; its password is masked.
    arguments : list of str
        Arguments of ``hpsearch worker``.
    """
    return f"HPSEARCH_STORE={shlex.quote(uri_with_masks(uri))} hpsearch worker {shlex.join(arguments)}"


def main_of_process() -> NoReturn:
    """Run ``hpsearch-mongo-worker``, and end the process."""
    as_process(lambda: run_and_exit(mongo_worker, "hpsearch-mongo-worker", "HPSEARCH_MONGO_WORKER"))


def _drain(signum: int, frame: FrameType | None) -> None:
    """Translate the signal that ends Hyperopt's worker after its job into SIGTERM."""
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main_of_process()
