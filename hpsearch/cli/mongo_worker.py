"""``hpsearch-mongo-worker``: the flags of ``hyperopt-mongo-worker``, carried out by our worker.

The flags become arguments of ``hpsearch worker``, which are printed once and then handed
to that very command: there is one worker, with two ways to ask for it.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # Python put the current folder in front: no module in it may take the place of one of the library's.
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

from hpsearch.cli.options import log_format_option
from hpsearch.cli.process import as_process, run_and_exit
from hpsearch.cli.store_choice import STORE, STORE_FILE, uri_in
from hpsearch.cli.worker import worker
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import log_to_stderr, print_or_log
from hpsearch.runtime.user_paths import user_path
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from hpsearch.store.mongo.uri import uri_with_masks

_POLLING = (
    "--poll-interval changes nothing: this worker looks for the next trial at once after each one, "
    "and every 0.1 to 1.5 s while there is none."
)
_ONE_FOLDER = "--workdir: all evaluations begin in this folder; no folder is made for each of them."
_MAX_JOBS_IN_DB = (
    "--max-jobs-in-db is not supported, since the number of trials is the search's to limit: "
    "leave it out, and give max_evals to fmin, or --max-evals to `hpsearch run`."
)

#: From here on a number means no limit, be it of trials or of seconds: Hyperopt's default is the
#: largest integer, and no duration of our worker is longer.
_UNLIMITED = 3650 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What Hyperopt's flags ask for; times in seconds, infinity for no limit."""

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
        The smallest that makes sense.
    is_whole : bool
        Whether it counts something.
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


def _of_file_unless_named(context: click.Context, param: click.Parameter, mongo: str) -> str:
    """Return what the command line says, else the file, else the environment, else the default."""
    place = os.environ.get(STORE_FILE)
    if not place or context.get_parameter_source("mongo") is ParameterSource.COMMANDLINE:
        return mongo
    file = str(user_path(place).absolute())
    context.obj = lambda: jobs_address(uri_in(file)).uri
    return uri_in(file)


@click.command("mongo-worker", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--exp-key", metavar="KEY", help="Serve only this experiment [default: any].")
@click.option(
    "--last-job-timeout",
    type=_SECONDS,
    metavar="T",
    default=math.inf,
    help="Take no more jobs once T seconds have passed.",
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
    callback=_of_file_unless_named,
    help="Where the jobs are; also a whole mongo:// or mongodb:// URI. HPSEARCH_STORE_FILE may name a "
    "file that holds it.",
)
@click.option("--poll-interval", type=_SECONDS, metavar="N", help="Accepted, and not needed.")
@click.option(
    "--reserve-timeout",
    type=_SECONDS,
    metavar="T",
    default=120,
    show_default=True,
    help="Wait up to T seconds for a job; after as many such waits in a row as failures are allowed, leave.",
)
@click.option("--workdir", metavar="DIR", help="Folder in which evaluations begin, made if missing.")
@click.option(
    "--no-subprocesses",
    is_flag=True,
    help="Evaluate in this process: no protection against what an objective does.",
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
    exp_key: str | None,
    last_job_timeout: float,
    max_consecutive_failures: float,
    max_jobs: float,
    mongo: str,
    poll_interval: float | None,
    reserve_timeout: float,
    workdir: str | None,
    no_subprocesses: bool,
    max_jobs_in_db: float,
) -> None:
    """Evaluate trials, as hyperopt-mongo-worker does: a worker of hpsearch under Hyperopt's flags.

    Prints the `hpsearch worker` command that is the same. SIGTERM, Ctrl-C and SIGUSR1 drain: the
    running trial is finished, or given back after 30 s (HPSEARCH_WORKER_DRAIN_TIMEOUT); a
    second signal forces. The exit code is 0 however long the worker waited in vain.
    """
    if max_jobs_in_db < math.inf:
        raise click.UsageError(_MAX_JOBS_IN_DB)
    try:
        uri = jobs_address(mongo).uri
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--mongo") from error
    flags = Flags(
        exp_key=exp_key,
        last_job_timeout=last_job_timeout,
        max_consecutive_failures=max_consecutive_failures,
        max_jobs=max_jobs,
        reserve_timeout=reserve_timeout,
        workdir=workdir,
        use_subprocesses=not no_subprocesses,
    )
    arguments = our_arguments(flags)
    command = our_command(uri, arguments)
    log_to_stderr()
    print_or_log(f"The same in hpsearch's words:\n  {command}", Event.FLAGS_TRANSLATED.of(command=command))
    for notice, is_due in ((_POLLING, poll_interval is not None), (_ONE_FOLDER, workdir is not None)):
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


def our_arguments(flags: Flags) -> list[str]:
    """Return the arguments of ``hpsearch worker`` that do what the flags ask for.

    Hyperopt starts a process for each job, which gives up after waiting ``reserve_timeout``;
    that counts as a failure, so the worker leaves after as many waits as it may fail. Ours
    is idle for the same time before it leaves, and does not count it as anything.
    """
    arguments = [] if flags.exp_key is None else ["--exp-key", flags.exp_key]
    has_one_wait = not flags.use_subprocesses or flags.max_jobs == 1
    idle_s = flags.reserve_timeout * (1 if has_one_wait else flags.max_consecutive_failures)
    limits = (
        ("--max-trials", flags.max_jobs, "{:.0f}"),
        ("--claim-for", flags.last_job_timeout, "{:.3f}s"),
        ("--max-idle", idle_s or math.inf, "{:.3f}s"),  # Hyperopt takes 0 for no limit, too
        ("--max-consecutive-failures", flags.max_consecutive_failures, "{:.0f}"),
    )
    for name, limit, form in limits:
        if limit < _UNLIMITED:
            arguments += [name, form.format(limit).replace(".000s", "s")]
    if flags.workdir is not None:
        arguments += ["--workdir", flags.workdir]
    return arguments if flags.use_subprocesses else [*arguments, "--no-isolate"]


def our_command(uri: str, arguments: list[str]) -> str:
    """Return the whole command for a shell, without the secrets of the URI."""
    return f"HPSEARCH_STORE={shlex.quote(uri_with_masks(uri))} hpsearch worker {shlex.join(arguments)}"


def main() -> NoReturn:
    """Run ``hpsearch-mongo-worker``."""
    run_and_exit(mongo_worker, "hpsearch-mongo-worker", "HPSEARCH_MONGO_WORKER")


def main_of_process() -> NoReturn:
    """Run ``hpsearch-mongo-worker`` in a process that has nothing else to do."""
    as_process(main)


def _drain(signum: int, frame: FrameType | None) -> None:
    """Hyperopt's worker ends after its job at this signal; ours does at SIGTERM."""
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main_of_process()
