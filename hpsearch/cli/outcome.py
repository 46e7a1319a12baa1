"""What ``run`` and ``coordinator`` end with: the report, what to do next, the exit code."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource

from hpsearch.cli.find import read_progress
from hpsearch.coordination.progress import Progress
from hpsearch.core.trial import State
from hpsearch.report.summary import FailureGroup, failure_groups
from hpsearch.report.text import final_report
from hpsearch.runtime.signals import Interrupt
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: Exit code of a search that has ended without a successful trial.
_NO_SUCCESS = 1

#: Options that the experiment keeps, that would end it at once, that accept what is decided each time, or
#: that hold a password.
_NOT_AGAIN = frozenset({
    "store", "max_evals", "timeout", "loss_threshold", "seed", "algo", "algo_option", "no_repeats",
    "accept_changed_objective",
})  # fmt: skip


def report_outcome(
    store: TrialStore, progress: Progress, space: Space, interrupt: Interrupt, *, is_ephemeral: bool
) -> None:
    """Print what came of the search, and end with the exit code for it.

    The space is that of the target on this machine: the stored one is not trusted to call anything.
    """
    exp_key = progress.experiment.exp_key
    is_interrupted = interrupt.is_asked and not progress.experiment.state.is_over
    if is_interrupted:
        [progress] = read_progress(store, [progress.experiment])  # trials finished while workers left
    failures = failure_groups(store.trials(exp_key, states={State.FAILED}))
    config = None
    if progress.best is not None:
        config = space.config(progress.best.values)
    hints = {} if is_ephemeral else _hints(progress, failures, is_interrupted=is_interrupted)
    click.echo(final_report(progress, config, failures, hints, is_interrupted=is_interrupted))
    if interrupt.is_asked:
        raise click.exceptions.Exit(interrupt.exit_code)
    if progress.best is None:
        raise click.exceptions.Exit(_NO_SUCCESS)


def _hints(progress: Progress, failures: list[FailureGroup], *, is_interrupted: bool) -> dict[str, str]:
    """Return the commands that come next, for the shell that this one was typed into."""
    context = click.get_current_context()
    is_typed = context.get_parameter_source("store") is ParameterSource.COMMANDLINE
    store = " --store URI" if is_typed else ""
    key, budget = shlex.quote(progress.experiment.exp_key), progress.experiment.budget
    program = _program()
    hints = {"all trials, best first": f"{program} trials {key} --sort loss{store}"}
    if failures:
        tid = failures[0].example.tid
        hints[f"why trial {tid} failed"] = f"{program} show {key} {tid}{store}"
    again = f"{program} {context.info_name} {shlex.join(_typed(context))}{store}"
    more = "" if is_interrupted or budget.max_evals is None else f" --max-evals {2 * budget.max_evals}"
    return {**hints, "go on": again + more}


def _program() -> str:
    """Return what to type for ``hpsearch`` here: its name, or its path where no shell would find it."""
    if shutil.which("hpsearch"):
        return "hpsearch"
    is_module = Path(sys.argv[0]).name == "__main__.py"
    return f"{sys.executable} -m hpsearch" if is_module else sys.argv[0]


def _typed(context: click.Context) -> Iterator[str]:
    """Yield the arguments of this command, without the store and what ends the search."""
    for parameter in context.command.params:
        name = parameter.name or ""
        is_typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not is_typed or name in _NOT_AGAIN or name not in context.params:
            continue
        value = context.params[name]
        text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        match parameter:
            case click.Argument():
                yield text
            case click.Option(is_flag=True):
                yield from parameter.opts[:1] if value else parameter.secondary_opts[:1]
            case _:
                yield from (parameter.opts[0], text)
