"""A search, its values and its trials as single lines of text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pprint import pformat
from typing import TYPE_CHECKING, Any

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.trial import State, Trial
from hpsearch.runtime.escaping import escaped

if TYPE_CHECKING:
    from hpsearch.coordination.progress import Progress

#: Seconds that workers usually take to start.
_STARTING_S = 30.0

#: Numbers up to this size are written without an exponent.
_MAX_PLAIN = 1e7


def number(value: float) -> str:
    """Return a number with four significant digits, or to the next integer if it is larger; 128.0 is 128."""
    if not 1000 <= abs(value) < _MAX_PLAIN:
        return f"{value:.4g}"
    return f"{value:.0f}"


def count_text(n: int, noun: str) -> str:
    """Return a number and a noun, in the plural unless the number is one.

    Parameters
    ----------
    n : int
        The number.
    noun : str
        The noun in the singular; its plural ends in s or, after s or h, in es.
    """
    plural = f"{noun}es" if noun.endswith(("s", "h")) else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def losses_text(losses: Mapping[str, float]) -> str:
    """Return several losses on one line, as ``error 0.04, ms 12``."""
    return escaped(", ".join(f"{name} {number(loss)}" for name, loss in losses.items()))


def params_text(params: Mapping[str, Any]) -> str:
    """Return parameters on one line, as ``lr=0.013, optimizer=adam``."""
    return escaped(", ".join(f"{label}={value_text(value)}" for label, value in params.items()))


def params_lines(params: Mapping[str, Any]) -> list[str]:
    """Return parameters one a line, indented and aligned."""
    shown = {escaped(label): escaped(value_text(value)) for label, value in params.items()}
    width = max(map(len, shown), default=0)
    return [f"  {label:<{width}}  {value}" for label, value in shown.items()]


def value_text(value: Any) -> str:
    """Return one value, numbers shortened."""
    return number(value) if isinstance(value, float) else str(value)


def config_text(config: Any, width: int = 96) -> str:
    """Return a configuration as Python would print it, over several lines if it is wide, numbers shortened.

    Parameters
    ----------
    config : any
        The argument of an objective.
    width : int
        Characters of a line.
    """
    return pformat(_shortened(config), width=width, sort_dicts=False)


class _Shortened(float):
    """A float that prints with few digits."""

    __slots__ = ()

    def __repr__(self) -> str:
        return number(self)


def _shortened(value: Any) -> Any:
    match value:
        case float():
            return _Shortened(value)
        case dict():
            return {key: _shortened(item) for key, item in value.items()}
        case list():
            return [_shortened(item) for item in value]
        case tuple() if type(value) is tuple:
            return tuple(_shortened(item) for item in value)
    return value


def duration_text(seconds: float | None) -> str:
    """Return a duration such as ``42 s``, ``3 min`` or ``2 h 05 min``; ``?`` if it is unknown."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counts_text(progress: Progress) -> str:
    """Return ``12/40 finished: 11 done, 1 failed; 2 running, 2 pending``."""
    counts, total = progress.counts, progress.experiment.budget.max_evals
    finished = f"{progress.n_finished}{f'/{total}' if total is not None else ''} finished"
    split = f"{counts[State.DONE]} done, {counts[State.FAILED]} failed"
    if counts[State.PRUNED]:
        split += f", {counts[State.PRUNED]} pruned"
    others = [f"{counts[s]} {s}" for s in (State.RUNNING, State.PENDING, State.CANCELLED) if counts[s]]
    if progress.n_invalid:
        others.append(f"{progress.n_invalid} invalid")
    return "; ".join([f"{finished}: {split}", *([", ".join(others)] if others else [])])


def workers_text(progress: Progress) -> str:
    """Return how many workers serve a search, and why none does."""
    if progress.workers:
        return count_text(len(progress.workers), "worker")
    if progress.n_starting:
        return "workers starting" if progress.n_starting > 1 else "worker starting"
    if progress.n_left_idle:
        return "all workers have left"
    if progress.elapsed_s < _STARTING_S:
        return "no worker yet"
    return "all workers have left" if progress.n_finished else "no worker has come"


def improvement_line(best: Trial, goal: Goal = LOSS) -> str:
    """Return a new best trial on one line.

    Parameters
    ----------
    best : Trial
        The trial; it is done.
    goal : Goal
        That of its search.
    """
    assert best.loss is not None
    params = params_text(best.params) or "no parameters"
    return f"trial {best.tid}: best {escaped(goal.name)} {number(goal.value(best.loss))} with {params}"
