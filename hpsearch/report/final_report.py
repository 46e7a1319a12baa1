"""The report at the end of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pprint import pformat
from typing import Any

from hpsearch.coordination.plan import EndReason
from hpsearch.coordination.progress import Progress
from hpsearch.core.trial import Trial
from hpsearch.report.failures import FailureGroup, group_line
from hpsearch.report.text import counts_text, number, params_lines
from hpsearch.runtime.escaping import escaped, printable

_END_REASONS: dict[str, str] = {
    EndReason.MAX_EVALS: "all trials are finished",
    EndReason.TIMEOUT: "the time limit is reached",
    EndReason.LOSS_THRESHOLD: "the loss threshold is reached",
    EndReason.STOPPED: "by hpsearch stop",
    EndReason.EARLY_STOP: "by the early stopping rule of its script",
    EndReason.NO_MORE_POINTS: "every point has been tried",
}


def final_report(
    progress: Progress,
    config: Any,
    failures: Sequence[FailureGroup],
    hints: Mapping[str, str],
    *,
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
    is_interrupted : bool
        Whether the process was interrupted, so that the search is not over.
    """
    blocks = [_headline(progress, is_interrupted), _best_block(progress.best, config)]
    if failures:
        blocks.append("\n".join(["failed", *(f"  {group_line(group)}" for group in failures)]))
    if hints:
        width = max(map(len, hints))
        blocks.append(
            "\n".join(f"{purpose + ':':<{width + 3}}{command}" for purpose, command in hints.items())
        )
    return printable("\n\n".join(blocks))


def _headline(progress: Progress, is_interrupted: bool) -> str:
    experiment = progress.experiment
    why = _END_REASONS.get(experiment.ended_why or "", experiment.ended_why)
    state = f"{experiment.state}, {why}" if why else str(experiment.state)
    if is_interrupted:
        state = "interrupted"
    return escaped(f"{experiment.exp_key}: {state}; {counts_text(progress)}")


def _best_block(best: Trial | None, config: Any) -> str:
    if best is None or best.loss is None:
        return "No trial has a loss."
    shown = pformat(config, width=96, sort_dicts=False).split("\n")
    lines = [f"best loss  {number(best.loss)}  (trial {best.tid})"]
    if best.params:
        lines += ["params", *params_lines(best.params)]
    return "\n".join([*lines, "config", *(f"  {line}" for line in shown)])
