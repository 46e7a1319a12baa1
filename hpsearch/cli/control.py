"""``hpsearch pause``, ``resume``, ``stop`` and ``priority``: control a search."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.help_pages import Command
from hpsearch.cli.open_store import open_store
from hpsearch.cli.options import debug_option, store_option
from hpsearch.cli.priority import PRIORITY
from hpsearch.runtime.logs import log_to_stderr

F = TypeVar("F", bound=Callable[..., Any])


def _control_options(command: F) -> F:
    for decorate in (debug_option(), store_option(required=False), click.argument("exp_key")):
        command = decorate(command)
    return command


@click.command(cls=Command)
@_control_options
def pause(exp_key: str, store: str | None) -> None:
    """Pause a search: running trials finish, new ones wait for `hpsearch resume`."""
    text = f"is paused; go on with: hpsearch resume {shlex.quote(exp_key)}"
    _set_state(store, exp_key, "paused", text)


@click.command(cls=Command)
@_control_options
def resume(exp_key: str, store: str | None) -> None:
    """Resume a paused search."""
    _set_state(store, exp_key, "running", "goes on")


@click.command(cls=Command)
@_control_options
def stop(exp_key: str, store: str | None) -> None:
    """End a search: its coordinator cancels the trials that are not finished, and leaves."""
    _set_state(store, exp_key, "stopped", "is stopped")


@click.command(cls=Command)
@_control_options
@click.argument("n", metavar="N", type=PRIORITY)
def priority(exp_key: str, n: int, store: str | None) -> None:
    """Set the share that a search gets of the workers that serve several searches.

    A search of priority 3 gets three times as many trials evaluated as one of priority 1, the
    default. One of priority 0 gets a worker only if no other search has a trial waiting.
    """
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        found = find_experiment(opened.store, exp_key)
        opened.store.set_priority(found.exp_key, n)
        click.echo(f"{exp_key} has the priority {n}; it was {found.priority}", err=True)


def _set_state(uri: str | None, exp_key: str, state: str, text: str) -> None:
    from hpsearch.coordination.control import change_state
    from hpsearch.core.experiment import ExperimentState

    log_to_stderr(logging.ERROR)
    with open_store(uri) as opened:
        before = find_experiment(opened.store, exp_key)
        if change_state(opened.store, before, ExperimentState(state)) is None:
            ended = opened.store.experiment(exp_key)
            raise click.UsageError(
                f"{exp_key} has ended ({ended.state}); `hpsearch run` or `coordinator` continues it."
            )
        click.echo(f"{exp_key} {text}", err=True)
