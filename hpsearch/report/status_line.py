"""The progress of a search on one line."""

from __future__ import annotations

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import ExperimentState
from hpsearch.report.failures import failure_line
from hpsearch.report.front_text import closest_text, front_text
from hpsearch.report.text import counts_text, duration_text, number, workers_text
from hpsearch.runtime.escaping import escaped


def status_line(progress: Progress) -> str:
    """Return the progress of a search on one line."""
    parts = [f"{progress.experiment.exp_key}: {counts_text(progress)}"]
    if progress.is_standby:
        parts.append("standby: another coordinator leads")
    elif progress.experiment.state is not ExperimentState.RUNNING:
        parts.append(str(progress.experiment.state))
    if progress.best is not None and progress.best.loss is not None:
        goal = progress.experiment.goal
        parts.append(f"best {goal.name} {number(goal.value(progress.best.loss))}")
    if progress.front is not None:
        parts.append(f"front: {front_text(progress.front)}")
    if (closest := closest_text(progress)) is not None:
        parts.append(closest)
    if progress.per_minute is not None:
        parts.append(f"{progress.per_minute:.3g} trials/min")
    if progress.remaining_s is not None and progress.experiment.state is ExperimentState.RUNNING:
        parts.append(f"{duration_text(progress.remaining_s)} left")
    parts.append(workers_text(progress))
    if progress.last_failure is not None:
        parts.append(f"last error: {failure_line(progress.last_failure)}")
    return escaped("; ".join(parts))
