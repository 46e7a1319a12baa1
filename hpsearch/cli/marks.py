"""``hpsearch invalidate`` and ``cancel``: take single trials out of a search."""

from __future__ import annotations

import logging
import shlex

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import AtLeast, debug_option, option, store_option
from hpsearch.runtime.logs import log_to_stderr


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tid", nargs=-1, required=True, type=AtLeast(0))
@option("--why", metavar="TEXT", default="", help="The reason, shown with the trial.")
@option("--undo", is_flag=True, help="Remove the mark: the trial counts again.")
@store_option(required=False)
@debug_option()
def invalidate(exp_key: str, tid: tuple[int, ...], why: str, undo: bool, store: str | None) -> None:
    """Mark finished trials as invalid, for example after a bug or on a broken machine.

    They are kept with their results, but suggestions do not learn from them, they are never the
    best, and they do not count towards --max-evals. A running search applies it within seconds.
    """
    from hpsearch.core.trial import FINISHED
    from hpsearch.report.text import count_text

    if undo and why:
        raise click.UsageError("--why has no effect with --undo.")
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        find_experiment(opened.store, exp_key)
        for trial in (opened.store.trial(exp_key, number) for number in tid):
            if trial.state not in FINISHED:
                cancel_it = f"; cancel it with: hpsearch cancel {shlex.quote(exp_key)} {trial.tid}"
                hint = "." if trial.state.is_final else cancel_it
                raise click.UsageError(f"Trial {trial.id} is {trial.state} and has no result{hint}")
        n_changed = opened.store.mark_invalid(exp_key, tid, None if undo else why)
        is_now = "valid again" if undo else "invalid now"
        text = f"{count_text(n_changed, 'trial')} of {exp_key} {'is' if n_changed == 1 else 'are'} {is_now}"
        numbers = " ".join(map(str, tid))
        back = "" if undo else f"; undo it with: hpsearch invalidate {shlex.quote(exp_key)} {numbers} --undo"
        click.echo(f"{text}{back}", err=True)


@click.command(cls=Command)
@click.argument("exp_key")
@click.argument("tid", nargs=-1, required=True, type=AtLeast(0))
@store_option(required=False)
@debug_option()
def cancel(exp_key: str, tid: tuple[int, ...], store: str | None) -> None:
    """Cancel pending or running trials; a running one is stopped within seconds.

    A cancelled trial has no result and does not count, so the search suggests another one.
    """
    from hpsearch.core.trial import State
    from hpsearch.report.text import count_text

    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        find_experiment(opened.store, exp_key)
        for number in tid:
            opened.store.trial(exp_key, number)  # all of them exist
        n = opened.store.cancel(exp_key, {State.PENDING, State.RUNNING}, tids=tid)
        click.echo(f"{count_text(n, 'trial')} of {exp_key} {'is' if n == 1 else 'are'} cancelled", err=True)
        if n < len(set(tid)):
            click.echo(f"{count_text(len(set(tid)) - n, 'trial')} had ended before.", err=True)
