"""``hpsearch ask``, ``tell``, ``heartbeat`` and ``should-stop``: trials for programs in any language."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import POSITIVE_DURATION, AtLeast, Duration, debug_option, option, store_option
from hpsearch.cli.outcome_options import LIMIT, OBJECTIVE
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.asktell.asker import NoTrial
    from hpsearch.core.outcomes import Limit, Objective
    from hpsearch.core.trial import Trial
    from hpsearch.store.protocol import TrialStore

F = TypeVar("F", bound=Callable[..., Any])

#: Exit codes of ``ask`` if it returns no trial, by the value of ``NoTrial``.
SPENT, STOPPED, PAUSED, BUSY = 3, 5, 6, 75

#: Exit code of ``should-stop`` if the evaluation should go on.
GO_ON = 1


@click.command(cls=Command)
@click.argument("exp_key")
@option(
    "--space",
    metavar="REF",
    help="Begin the search, if there is none, with this space: file.toml, file.json, file.py[:name] or "
    "package.module:name.",
)
@option(
    "--objective",
    multiple=True,
    type=OBJECTIVE,
    metavar="NAME:min|max",
    help="A number of the results that a new search optimizes; repeatable [default: the loss].",
)
@option(
    "--limit",
    multiple=True,
    type=LIMIT,
    metavar='"NAME <= NUMBER"',
    help="A bound (<= or >=) of a number of the results that a good trial keeps; repeatable.",
)
@option("--max-evals", type=AtLeast(1), help="End after this number of finished trials in the whole search.")
@option("--until", metavar="CONDITION", help="End when a trial on the front fulfils this.")
@option("--loss-threshold", type=float, help="End when a loss is this low.")
@option("--algo", help="Algorithm of a new search [default: auto].")
@option("--seed", type=AtLeast(0), help="Seed of a new search [default: random].")
@option(
    "--lease",
    type=Duration(low=1.0),
    help="Time after which a trial without a result or an `hpsearch heartbeat` is asked again "
    "[default: 60s].",
)
@option(
    "--timeout",
    type=POSITIVE_DURATION,
    help="Wait no longer than this while the search is paused or all open trials are running.",
)
@store_option(required=False)
@debug_option()
def ask(
    exp_key: str,
    space: str | None,
    objective: tuple[Objective, ...],
    limit: tuple[Limit, ...],
    max_evals: int | None,
    until: str | None,
    loss_threshold: float | None,
    algo: str | None,
    seed: int | None,
    lease: float | None,
    timeout: float | None,
    store: str | None,
) -> None:
    """Claim the next trial of a search, and print it as JSON: tid, owner, attempt, params, config.

    A coordinator suggests it; where none leads the search, this command does. Report the result
    with `hpsearch tell`.

    Exit codes: 0 a trial; 3 the budget is spent; 5 the search was stopped; 6 it is paused, or 75
    all open trials are running, until --timeout.
    """
    import socket

    from hpsearch.asktell.asker import Asker
    from hpsearch.asktell.joining import given, join
    from hpsearch.cli.open_store import open_store
    from hpsearch.core.trial import Trial
    from hpsearch.core.worker import Worker

    log_to_stderr(logging.ERROR)
    # The program that calls this command holds the trial.
    holder = os.getppid()
    me = Worker(
        name=f"{socket.gethostname()}-{holder}", host=socket.gethostname(), pid=holder, exp_keys=(exp_key,)
    )
    with open_store(store) as opened:
        experiment, tree = join(
            opened.store,
            exp_key,
            None if space is None else _space(space),
            begun=given(
                algo=algo,
                seed=seed,
                objectives=dict(str(one).rsplit(":", 1) for one in objective) or None,
                limits={one.name: str(one).removeprefix(one.name) for one in limit} or None,
            ),
            budget=given(max_evals=max_evals, loss_threshold=loss_threshold, until=until),
            defaults=given(lease_s=lease),
            restarts=False,
        )
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        found = Asker(opened.store, experiment, tree, lambda: me).ask(deadline)
        if not isinstance(found, Trial):
            _leave_without(found, exp_key)
        config = tree.config(found.values)
        asked = {"tid": found.tid, "owner": found.owner, "attempt": found.attempt, "params": found.params}
        click.echo(json.dumps({**asked, "config": config}, default=str))


def _held_trial(command: F) -> F:
    """Add the arguments and options by which a command names the trial that its caller holds."""
    owner = option(
        "--owner",
        metavar="TOKEN",
        required=True,
        envvar="HPSEARCH_OWNER",
        help="The owner that `hpsearch ask` printed.",
    )
    decorated = owner(store_option(required=False)(debug_option()(command)))
    return click.argument("exp_key")(click.argument("tid", type=AtLeast(0))(decorated))


@click.command(cls=Command)
@_held_trial
@option("--loss", type=float, help="The loss; NaN fails the trial.")
@option(
    "--result",
    type=click.File("rb"),
    help="File with the result in JSON: the loss, or an object with it; - for stdin.",
)
@option("--failed", metavar="WHY", help="The evaluation failed.")
@option("--give-back", is_flag=True, help="Return the trial to the queue, for another process.")
def tell(
    exp_key: str,
    tid: int,
    owner: str,
    store: str | None,
    loss: float | None,
    result: Any,
    failed: str | None,
    give_back: bool,
) -> None:
    """Write the result of a trial from `hpsearch ask`.

    Telling the same again changes nothing. A trial that was cancelled, or that another process
    holds since its lease expired, is refused with exit code 4.
    """
    from hpsearch.core.trial import FailureKind
    from hpsearch.errors import ResultError
    from hpsearch.objective.evaluation import read_result
    from hpsearch_worker.results import store_result

    if (loss is not None) + (result is not None) + (failed is not None) + give_back != 1:
        raise click.UsageError("Give one of --loss, --result, --failed and --give-back.")
    returned = loss if result is None else _json(result.read())
    with _held(store, exp_key, tid, owner) as (opened, trial):
        if give_back:
            opened.release(trial, "given back")
            return
        experiment = opened.experiment(exp_key)
        found = read_result(
            returned if failed is None else {"status": "fail", "message": failed},
            experiment.goal,
            experiment.outcomes,
        )
        if found.error is not None and found.error.kind is FailureKind.INVALID_RESULT:
            raise ResultError(f"{found.error.message} Trial {tid} is unchanged.")
        began_at = trial.claimed_at or opened.now()
        duration_s = max(0.0, (opened.now() - began_at).total_seconds())
        store_result(opened, trial, replace(found, duration_s=duration_s))


@click.command(cls=Command)
@_held_trial
@option(
    "--report",
    type=(float, float),
    metavar="STEP VALUE",
    multiple=True,
    help="An intermediate value, such as the validation loss after an epoch; repeatable.",
)
def heartbeat(
    exp_key: str, tid: int, owner: str, store: str | None, report: tuple[tuple[float, float], ...]
) -> None:
    """Renew the lease of a trial from `hpsearch ask`, and record intermediate values.

    Exit code 4 if the trial was cancelled, or another process holds it: stop evaluating.
    """
    from hpsearch.core.trial import Report
    from hpsearch.errors import LeaseLostError
    from hpsearch.store.protocol import LeaseStatus

    log_to_stderr(logging.ERROR)
    with _held(store, exp_key, tid, owner) as (opened, trial):
        if opened.renew(trial) is not LeaseStatus.HELD:
            raise LeaseLostError(trial.id)
        if report:
            goal = opened.experiment(exp_key).goal
            opened.report(trial, [Report(step=step, value=goal.loss(value)) for step, value in report])


@click.command(name="should-stop", cls=Command)
@_held_trial
def should_stop(exp_key: str, tid: int, owner: str, store: str | None) -> None:
    """Exit with 0 if the evaluation of a trial should stop, and with 1 if it should go on.

    It should stop if the trial was cancelled, or if another process holds it.
    """
    from hpsearch.errors import LeaseLostError
    from hpsearch.store.protocol import LeaseStatus

    log_to_stderr(logging.ERROR)
    try:
        with _held(store, exp_key, tid, owner) as (opened, trial):
            is_held = opened.renew(trial) is LeaseStatus.HELD
    except LeaseLostError:
        is_held = False
    if is_held:
        sys.exit(GO_ON)


@contextmanager
def _held(uri: str | None, exp_key: str, tid: int, owner: str) -> Iterator[tuple[TrialStore, Trial]]:
    """Open the store, and return it with the trial that the caller was given.

    Raises
    ------
    LeaseLostError
        If another process has been given it since.
    """
    from hpsearch.cli.open_store import open_store
    from hpsearch.errors import LeaseLostError

    with open_store(uri) as opened:
        trial = opened.store.trial(exp_key, tid)
        if trial.owner != owner:
            raise LeaseLostError(trial.id)
        yield opened.store, trial


def _leave_without(reason: NoTrial, exp_key: str) -> NoReturn:
    """Print why there is no trial, and exit with its code."""
    key = shlex.quote(exp_key)
    code, sentence = {
        "spent": (SPENT, f"{exp_key} has ended: its budget is spent."),
        "stopped": (STOPPED, f"{exp_key} was stopped."),
        "paused": (PAUSED, f"{exp_key} is paused; go on with: hpsearch resume {key}"),
        "busy": (BUSY, f"All open trials of {exp_key} are running."),
    }[reason]
    click.echo(sentence, err=True)
    sys.exit(code)


def _space(ref: str) -> Any:
    """Return the search space that a reference names."""
    from hpsearch.objective.loading import load, parse_space
    from hpsearch.runtime.user_code import preserve_process_state

    target = parse_space(None, ref)
    with preserve_process_state():
        return load(target)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"The result is not JSON ({error}).") from None
