"""``hpsearch logs``: print what a trial printed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import click

from hpsearch.cli.find import find_experiment, find_trial
from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import DURATION, BestOrNumber, option
from hpsearch.cli.query_options import print_result, reading
from hpsearch.errors import NotFoundError
from hpsearch.runtime.escaping import printable

if TYPE_CHECKING:
    from hpsearch.core.trial import Trial
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tid", metavar="best|TID", type=BestOrNumber())
@option("--follow", "-f", is_flag=True, help="Print new output until the trial ends, or until Ctrl-C.")
@option("--every", type=DURATION, default="2s", help="Time between two looks of --follow.")
@reading
def logs(store: TrialStore, exp_key: str, tid: int | Literal["best"], follow: bool, every: float) -> None:
    """Print what a trial printed.

    The end of it is kept: 64 KiB of a failed trial, 16 KiB of others. A worker stores the output of
    a running trial every few seconds, and that of one under --no-isolate not at all.
    """
    trial = find_trial(store, find_experiment(store, exp_key).exp_key, tid)
    if follow:
        with suppress(KeyboardInterrupt):
            _follow(store, trial, every)
        return
    output = _output(store, trial)
    if output is None:
        raise NotFoundError(_no_output(trial))
    print_result(printable(output.rstrip("\n")))


def _follow(store: TrialStore, trial: Trial, every_s: float) -> None:
    from hpsearch.report.output import new_output

    known = ""
    while True:
        trial = store.trial(trial.exp_key, trial.tid)
        output = _output(store, trial) or ""
        new = new_output(known, output)
        known += new
        if new:
            click.echo(printable(new), nl=False)
        if trial.state.is_final:
            if not known:
                click.echo(_no_output(trial), err=True)
            return
        time.sleep(every_s)


def _output(store: TrialStore, trial: Trial) -> str | None:
    """Return the end of what the last attempt of a trial printed; None if nothing is known."""
    from hpsearch.core.trial import OUTPUT_NAME

    if trial.error is not None and trial.error.log_tail:
        return trial.error.log_tail
    try:
        data = store.attachment(trial.exp_key, OUTPUT_NAME, tid=trial.tid)
    except NotFoundError:
        return None
    return data.decode("utf-8", "replace")


def _no_output(trial: Trial) -> str:
    from hpsearch.core.trial import State

    if trial.state is State.PENDING:
        return f"Trial {trial.id} has not begun yet."
    so_far = " so far" if trial.state is State.RUNNING else ""
    return f"Trial {trial.id} has printed nothing{so_far}, or nothing that was kept."
