"""The report at the end of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpsearch.coordination.plan import EndReason
from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment
from hpsearch.core.goal import Goal
from hpsearch.core.trial import Trial
from hpsearch.report.failures import FailureGroup, group_line
from hpsearch.report.formats import Format
from hpsearch.report.front_text import closest_text, share_text
from hpsearch.report.table import render
from hpsearch.report.text import config_text, counts_text, losses_text, number, params_lines
from hpsearch.runtime.escaping import escaped, printable

if TYPE_CHECKING:
    from hpsearch.core.standing import Front

_END_REASONS: dict[str, str] = {
    EndReason.MAX_EVALS: "all trials are finished",
    EndReason.MAX_STEPS: "the trials have reported --max-steps steps in all",
    EndReason.TIMEOUT: "the --timeout is reached",
    EndReason.LOSS_THRESHOLD: "the --loss-threshold is reached",
    EndReason.REACHED: "a trial fulfils --until",
    EndReason.NOT_WORTH: "an hour more would improve the loss by less than --until-worth",
    EndReason.STOPPED: "by hpsearch stop",
    EndReason.EARLY_STOP: "by the early stopping rule of its script",
    EndReason.NO_MORE_POINTS: "every point has been tried",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyBest:
    """The trial that is most likely best."""

    trial: Trial
    believed_loss: float  #: its loss without noise
    config: Any  #: the argument of the objective


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontTrials:
    """What a report shows of a front."""

    front: Front
    trials: Sequence[Trial]  #: some of it, in full
    knee: Trial  #: in full
    config: Any  #: the argument of the objective in the knee


def final_report(
    progress: Progress,
    config: Any,
    failures: Sequence[FailureGroup],
    hints: Mapping[str, str],
    *,
    likely: LikelyBest | None = None,
    front: FrontTrials | None = None,
    is_interrupted: bool = False,
) -> str:
    """Return the report at the end of a search.

    Parameters
    ----------
    progress : Progress
        The last one.
    config : any
        The argument of the objective in the best trial; ignored if there is none.
    failures : sequence of FailureGroup
        The failed trials by reason.
    hints : mapping
        Commands for the next step, by purpose.
    likely : LikelyBest, optional
        The trial that is most likely best, if losses are noisy and it is not the one with the lowest loss.
    front : FrontTrials, optional
        The front of several objectives, unless it is empty.
    is_interrupted : bool
        Whether the process was interrupted, so that the search is not over.
    """
    shown = _best_block(progress, config) if front is None else _front_block(front)
    blocks = [_headline(progress, is_interrupted), shown]
    if likely is not None:
        blocks.append(_likely_block(likely, progress.experiment.goal))
    if failures:
        blocks.append("\n".join(["failed", *(f"  {group_line(group)}" for group in failures)]))
    if hints:
        width = max(map(len, hints))
        blocks.append(
            "\n".join(f"{purpose + ':':<{width + 3}}{command}" for purpose, command in hints.items())
        )
    return printable("\n\n".join(blocks))


def end_text(experiment: Experiment) -> str:
    """Return the state of a search, and why it has ended if it has."""
    why = _END_REASONS.get(experiment.ended_why or "", experiment.ended_why)
    return f"{experiment.state}, {why}" if why else str(experiment.state)


def _headline(progress: Progress, is_interrupted: bool) -> str:
    state = "interrupted" if is_interrupted else end_text(progress.experiment)
    return escaped(f"{progress.experiment.exp_key}: {state}; {counts_text(progress)}")


def _best_block(progress: Progress, config: Any) -> str:
    best = progress.best
    if best is None or best.loss is None:
        is_too_short = progress.experiment.ended_why == EndReason.TIMEOUT and not progress.n_finished
        closest = closest_text(progress)
        if closest is not None:
            return escaped(f"{closest[0].upper()}{closest[1:]}.")
        return "No trial finished before the --timeout." if is_too_short else "No trial has a loss."
    goal = progress.experiment.goal
    headline = f"best {escaped(goal.name)}  {number(goal.value(best.loss))}  (trial {best.tid})"
    return _trial_block(headline, best, config)


def _front_block(shown: FrontTrials) -> str:
    front, names = shown.front, shown.front.outcomes.names
    rows = [{"tid": trial.tid, **(trial.losses or {}), "params": trial.params} for trial in shown.trials]
    table = render("front", rows, ["tid", *names, "params"], Format.TABLE)
    n_more = len(front.trials) - len(rows)
    lines = [share_text(front), *(f"  {line}" for line in table.split("\n"))]
    if n_more > 0:
        lines.append(f"  and {n_more} more, which these stand for")
    headline = f"knee  {losses_text(shown.knee.losses or {})}  (trial {shown.knee.tid})"
    knee = _trial_block(headline, shown.knee, shown.config)
    return "\n".join([*lines, "", knee])


def _likely_block(likely: LikelyBest, goal: Goal) -> str:
    tid, loss = likely.trial.tid, likely.trial.loss
    observed = "none" if loss is None else number(goal.value(loss))
    losses = f"believed {number(goal.value(likely.believed_loss))}, observed {observed}"
    headline = f"most likely best, since losses are noisy: {losses}  (trial {tid})"
    return _trial_block(headline, likely.trial, likely.config)


def _trial_block(headline: str, trial: Trial, config: Any) -> str:
    lines = [headline]
    if trial.params:
        lines += ["params", *params_lines(trial.params)]
    if not _repeats(config, trial.params):
        lines += ["config", *(f"  {line}" for line in config_text(config).split("\n"))]
    return "\n".join(lines)


def _repeats(config: Any, params: Mapping[str, Any]) -> bool:
    """Whether a configuration shows nothing but the parameters: a flat dict of the same scalars."""
    if not isinstance(config, dict) or config.keys() != params.keys():
        return False
    is_flat = all(value is None or isinstance(value, str | int | float) for value in config.values())
    return is_flat and config == params
