"""``hpsearch pause``, ``resume`` and ``stop``: change what a search does next."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hpsearch.cli.find import find_experiment
from hpsearch.cli.options import debug_option, store_option
from hpsearch.cli.stores import open_store
from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.runtime.logs import log_to_stderr

F = TypeVar("F", bound=Callable[..., Any])


def _steer_options(command: F) -> F:
    for decorate in (debug_option(), store_option(required=False), click.argument("exp_key")):
        command = decorate(command)
    return command


@click.command()
@_steer_options
def pause(exp_key: str, store: str | None) -> None:
    """Let running trials finish, start no new ones, until `hpsearch resume`."""
    _move(
        store,
        exp_key,
        ExperimentState.PAUSED,
        f"is paused; go on with: hpsearch resume {shlex.quote(exp_key)}",
    )


@click.command()
@_steer_options
def resume(exp_key: str, store: str | None) -> None:
    """Go on with a paused search."""
    _move(store, exp_key, ExperimentState.RUNNING, "goes on")


@click.command()
@_steer_options
def stop(exp_key: str, store: str | None) -> None:
    """End a search: its coordinator cancels what waits and leaves; what is finished stays."""
    _move(store, exp_key, ExperimentState.STOPPED, "is stopped")


def _move(uri: str | None, exp_key: str, state: ExperimentState, said: str) -> None:
    log_to_stderr(logging.ERROR)
    with open_store(uri) as opened:
        before = find_experiment(opened.store, exp_key)
        is_end = state is ExperimentState.STOPPED
        why = EndReason.STOPPED if is_end else None
        experiment = opened.store.set_experiment_state(exp_key, state, why)
        if before.state.is_over or experiment.state is not state:
            again = "`hpsearch run` or `coordinator` takes it up again"
            raise click.UsageError(f"{exp_key} has ended ({experiment.state}); {again}.")
        if is_end and not experiment.is_led(opened.store.now()):
            # Nobody else would cancel what waits, or what a worker still evaluates.
            opened.store.cancel(exp_key, {State.PENDING, State.RUNNING})
        click.echo(f"{exp_key} {said}", err=True)
