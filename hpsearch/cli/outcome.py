"""The end of ``run`` and ``coordinator``: the report, commands for the next step, the exit code."""

from __future__ import annotations

import math
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hpsearch.cli.believed_trials import read_believed_trials
from hpsearch.coordination.plan import EndReason
from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State
from hpsearch.report.failures import FailureGroup, failure_groups
from hpsearch.report.final_report import FrontTrials, LikelyBest, final_report
from hpsearch.runtime.signals import Interrupt
from hpsearch.store.protocol import TrialStore

if TYPE_CHECKING:
    from hpsearch.space.tree import Space

#: Options that the command to go on must not repeat: the experiment keeps them, they would end it
#: immediately, they need a decision each time, or they contain a password.
_NOT_REPEATED = frozenset({
    "store", "max_evals", "timeout", "loss_threshold", "until_worth", "metric", "maximize", "seed", "algo",
    "algo_option", "no_repeats", "accept_changed_objective", "objective", "limit", "until",
})  # fmt: skip

#: Trials of a front in the report.
_MAX_FRONT = 10


def report_outcome(
    store: TrialStore, progress: Progress, space: Space, interrupt: Interrupt, *, is_ephemeral: bool
) -> None:
    """Print the report of a search, and end the command with its exit code.

    Parameters
    ----------
    store : TrialStore
        The store.
    progress : Progress
        The last progress of the search.
    space : Space
        The space of the target on this machine; the stored one is not trusted to call functions.
    interrupt : Interrupt
        The signals that end the process.
    is_ephemeral : bool
        Whether the store is thrown away, so that there is no next step.

    Raises
    ------
    click.exceptions.Exit
        If the command was interrupted, or no trial succeeded.
    """
    from hpsearch.report.progress_reading import read_progress

    exp_key = progress.experiment.exp_key
    is_interrupted = interrupt.is_asked and not progress.experiment.state.is_over
    is_unread = progress.experiment.has_several_objectives and progress.front is None  # of a standby
    if is_interrupted or is_unread:
        [progress] = read_progress(store, [progress.experiment])  # trials may have finished meanwhile
    failed = store.trials(exp_key, states={State.FAILED})
    failures = failure_groups(trial for trial in failed if trial.invalid is None)
    config = None if progress.best is None else space.config(progress.best.values)
    hints = {} if is_ephemeral else _hints(progress, failures, is_interrupted=is_interrupted)
    likely, front = _likely_best(store, progress, space), _front_trials(store, progress, space)
    click.echo(
        final_report(
            progress, config, failures, hints, likely=likely, front=front, is_interrupted=is_interrupted
        )
    )
    if interrupt.is_asked:
        raise click.exceptions.Exit(interrupt.exit_code)
    if progress.best is None and front is None:
        raise click.exceptions.Exit(1)


def _front_trials(store: TrialStore, progress: Progress, space: Space) -> FrontTrials | None:
    """Return what the report shows of the front; None of an empty one, or with one objective."""
    from hpsearch.report.progress_reading import full_trials

    front = progress.front
    if front is None or front.knee is None:
        return None
    *trials, knee = full_trials(store, [*front.thinned(_MAX_FRONT), front.knee])
    return FrontTrials(front=front, trials=trials, knee=knee, config=space.config(knee.values))


def _likely_best(store: TrialStore, progress: Progress, space: Space) -> LikelyBest | None:
    """Return the trial that is most likely best, if losses are noisy and it does not have the lowest one."""
    exp_key, best = progress.experiment.exp_key, progress.best
    believed = None if best is None else read_believed_trials(store, exp_key, space)
    if best is None or believed is None or believed.best == best.tid:
        return None
    trial = store.trial(exp_key, believed.best)
    return LikelyBest(
        trial=trial, believed_loss=believed.losses[trial.tid], config=space.config(trial.values)
    )


def _hints(progress: Progress, failures: list[FailureGroup], *, is_interrupted: bool) -> dict[str, str]:
    """Return the commands for the next step, quoted for a shell."""
    context = click.get_current_context()
    is_typed = context.get_parameter_source("store") is ParameterSource.COMMANDLINE
    store = " --store URI" if is_typed else ""
    key = shlex.quote(progress.experiment.exp_key)
    program = _program()
    if progress.experiment.has_several_objectives:
        hints = {"the whole front": f"{program} best {key}{store}"}
    else:
        hints = {"all trials, best first": f"{program} trials {key} --sort loss{store}"}
    if find_spec("starlette"):
        hints["live page, with pictures"] = f"{program} dashboard {key}{store}"
    if failures:
        tid = failures[0].example.tid
        hints[f"why trial {tid} failed"] = f"{program} show {key} {tid}{store}"
    # A command stands after the options, behind two dashes.
    words = context.params["target"]
    target, command = (words, ()) if len(words) == 1 else ((), ("--", *words))
    same = f"{program} {context.info_name} {shlex.join([*target, *_typed_options(context)])}{store}"
    more = "" if is_interrupted else _more(progress.experiment)
    return hints if more is None else {**hints, "go on": f"{same}{more} {shlex.join(command)}".rstrip()}


def _more(experiment: Experiment) -> str | None:
    """Return the options that move the limit which ended a search; None where nothing is left to try.

    A timeout begins again with the next run, and a search that was stopped needs no option.
    """
    budget, goal = experiment.budget, experiment.goal
    match experiment.ended_why:
        case EndReason.MAX_EVALS if budget.max_evals is not None:
            return f" --max-evals {2 * budget.max_evals}"
        case EndReason.LOSS_THRESHOLD:
            return f" --loss-threshold {goal.value(-math.inf)}"
        case EndReason.NOT_WORTH if budget.until_worth is not None:
            return f" --until-worth {budget.until_worth / 10:g}"
        case EndReason.NO_MORE_POINTS | EndReason.REACHED:
            return None
    return ""


def _program() -> str:
    """Return the program to type: ``hpsearch``, or its path if it is not on PATH."""
    if shutil.which("hpsearch"):
        return "hpsearch"
    is_module = Path(sys.argv[0]).name == "__main__.py"
    return f"{sys.executable} -m hpsearch" if is_module else sys.argv[0]


def _typed_options(context: click.Context) -> Iterator[str]:
    """Yield the typed options of this command that the next command repeats."""
    for parameter in context.command.params:
        name = parameter.name or ""
        is_typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not is_typed or name in _NOT_REPEATED or name not in context.params:
            continue
        value = context.params[name]
        text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        match parameter:
            case click.Argument():
                continue
            case click.Option(is_flag=True):
                yield from parameter.opts[:1] if value else parameter.secondary_opts[:1]
            case _:
                yield from (parameter.opts[0], text)
