"""``hpsearch mirror``: show a search in MLflow or TensorBoard."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hpsearch.cli.help_pages import Command, Group
from hpsearch.cli.options import debug_option, log_format_option, option, store_option
from hpsearch.errors import MissingExtraError

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.integrations.mirror.tail import Target
    from hpsearch.runtime.signals import Interrupt

#: Seconds between two looks at whether the user ends the command.
_SLICE_S = 0.2

F = TypeVar("F", bound=Callable[..., Any])


@click.group("mirror", cls=Group)
def mirror_group() -> None:
    """Show a search in MLflow or TensorBoard.

    The command copies each finished trial once, follows the search until it ends, and may start
    late or again. While the other tool is away, it waits; the search does not notice.
    """


def _mirror_options(command: F) -> F:
    once = option("--once", is_flag=True, help="Copy only what is finished now.")
    return once(store_option(required=False)(log_format_option()(debug_option()(command))))


@mirror_group.command(cls=Command)
@click.argument("exp_key")
@option("--uri", metavar="URI", help="Tracking server of MLflow [default: that of MLFLOW_TRACKING_URI].")
@option("--experiment", metavar="NAME", help="Experiment in MLflow [default: the name of the search].")
@_mirror_options
def mlflow(exp_key: str, uri: str | None, experiment: str | None, once: bool, store: str | None) -> None:
    """Copy a search to MLflow.

    The search is a run, and each finished trial a run below it, with its parameters, metrics and
    intermediate values. It needs the extra hpsearch[mlflow].
    """

    def target(search: Experiment) -> Target:
        from hpsearch.integrations.mirror.mlflow import MlflowTarget

        return MlflowTarget(search, uri, experiment or search.exp_key)

    _run(exp_key, "mlflow", target, store, once=once)


@mirror_group.command(cls=Command)
@click.argument("exp_key")
@click.argument("logdir", type=click.Path(file_okay=False))
@_mirror_options
def tensorboard(exp_key: str, logdir: str, once: bool, store: str | None) -> None:
    """Write a search into a folder that TensorBoard reads.

    LOGDIR gets a folder KEY/trial-NUMBER for each finished trial, with its parameters, metrics and
    intermediate values. It needs the extra hpsearch[tensorboard].
    """

    def target(search: Experiment) -> Target:
        from hpsearch.integrations.mirror.tensorboard import TensorBoardTarget

        return TensorBoardTarget(search, Path(logdir))

    _run(exp_key, "tensorboard", target, store, once=once)


def _run(
    exp_key: str, tool: str, make: Callable[[Experiment], Target], store: str | None, *, once: bool
) -> None:
    from hpsearch.cli.find import find_experiment
    from hpsearch.cli.open_store import PATIENCE_S, open_store
    from hpsearch.integrations.mirror.tail import Pauses, mirror
    from hpsearch.report.text import count_text
    from hpsearch.runtime.logs import log_to_stderr
    from hpsearch.runtime.signals import Interrupt
    from hpsearch.store.mongo.patience import Patience

    log_to_stderr(logging.WARNING)
    with Interrupt() as interrupt:
        patience = Patience(PATIENCE_S, may_wait=lambda: not interrupt.is_asked)
        with open_store(store, patience=patience) as opened:
            search = find_experiment(opened.store, exp_key)
            try:
                target = make(search)
            except ImportError as error:
                raise MissingExtraError(f"hpsearch mirror {tool}", tool) from error
            patience.away_s = math.inf
            pauses = Pauses(wait=partial(_wait, interrupt), is_stopped=lambda: interrupt.is_asked)
            n_copied = mirror(opened.store, exp_key, target, once=once, pauses=pauses)
    click.echo(f"{exp_key}: {count_text(n_copied, 'trial')} copied.", err=True)


def _wait(interrupt: Interrupt, seconds: float) -> None:
    """Wait for some seconds, or until the user ends the command."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not interrupt.is_asked:
        time.sleep(_SLICE_S)
