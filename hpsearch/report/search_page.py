"""One search as a page of text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.outcomes import Objective
from hpsearch.report.final_report import end_text
from hpsearch.report.front_text import closest_text, front_text
from hpsearch.report.table import date_text
from hpsearch.report.text import counts_text, duration_text, number, params_lines, workers_text
from hpsearch.report.worth_text import worth_text
from hpsearch.runtime.escaping import escaped, printable

_LABEL_WIDTH = 11


def search_text(progress: Progress, now: datetime) -> str:
    """Return the progress of a search as text, one fact a line.

    Parameters
    ----------
    progress : Progress
        Its progress.
    now : datetime
        Time of the store, to which the lease of the coordinator is compared.
    """
    return printable("\n".join(_lines(progress, now)))


def _lines(progress: Progress, now: datetime) -> Iterator[str]:
    experiment, best, goal = progress.experiment, progress.best, progress.experiment.goal
    yield _line("search", experiment.exp_key)
    yield _line("state", state_text(progress.experiment, now))
    if experiment.tags:
        yield _line("tags", ", ".join(experiment.tags))
    if experiment.note:
        yield _line("note", experiment.note)
    yield _line("trials", counts_text(progress))
    label, name = ("best loss", "") if goal.is_loss else ("best", f"{goal.name} ")
    closest = closest_text(progress)
    if progress.front is not None:
        yield _line("front", front_text(progress.front))
    elif best is None or best.loss is None:
        yield _line(label, "none yet")
    else:
        yield _line(label, f"{name}{number(goal.value(best.loss))}  (trial {best.tid})")
        yield from params_lines(best.params)
    if closest is not None:
        yield _line("limits", closest)
    yield _line("time", time_text(progress, now))
    if progress.forecast is not None:
        yield _line("worth", worth_text(progress.forecast, progress.per_minute, goal.name))
    if progress.workers or not experiment.state.is_over:
        yield _line("workers", workers_text(progress))
    yield _line("objective", experiment.objective.ref or "undecided")
    if experiment.outcomes is not None:
        yield _line("outcomes", ", ".join(map(str, (*_objectives(experiment), *experiment.outcomes.limits))))
    yield _line("algorithm", f"{experiment.algorithm.name}, seed {experiment.seed}")
    if experiment.started_at is not None:
        yield _line("started", date_text(experiment.started_at))


def _objectives(experiment: Experiment) -> tuple[Objective, ...]:
    outcomes = experiment.outcomes
    return outcomes.objectives if outcomes is not None and outcomes.has_several_objectives else ()


def state_text(experiment: Experiment, now: datetime) -> str:
    """Return the state of a search, and why it has ended or does not advance.

    Parameters
    ----------
    experiment : Experiment
        The search.
    now : datetime
        Time of the store.
    """
    if experiment.state is ExperimentState.RUNNING and not experiment.is_led(now):
        return "running, but no coordinator leads it: the command that began it continues it"
    return end_text(experiment)


def time_text(progress: Progress, now: datetime) -> str:
    """Return how long a search has taken, its rate, and how long it will take.

    Parameters
    ----------
    progress : Progress
        Its progress.
    now : datetime
        Time of the store.
    """
    is_advancing = progress.experiment.state is ExperimentState.RUNNING and progress.experiment.is_led(now)
    parts = [f"{duration_text(progress.elapsed_s)} so far"]
    if progress.per_minute is not None:
        parts.append(f"{progress.per_minute:.3g} trials/min")
    if is_advancing and progress.remaining_s is not None:
        parts.append(f"{duration_text(progress.remaining_s)} left")
    return ", ".join(parts)


def _line(name: str, text: str) -> str:
    return f"{name:<{_LABEL_WIDTH}}{escaped(text)}"
