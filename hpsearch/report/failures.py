"""What a user sees of failed trials: their reasons, groups and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hpsearch.core.trial import Trial
from hpsearch.runtime.escaping import escaped

#: Characters of an error in one line.
_MAX_ERROR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Trials that failed for the same reason."""

    reason: str  #: the type of the exception, or the kind of the failure
    n: int  #: number of trials
    example: Trial  #: the first of them


def failure_groups(failed: Iterable[Trial]) -> list[FailureGroup]:
    """Group failed trials by reason, the most frequent first."""
    counts: Counter[str] = Counter()
    examples: dict[str, Trial] = {}
    for trial in failed:
        reason = failure_reason(trial)
        counts[reason] += 1
        examples.setdefault(reason, trial)
    return [FailureGroup(reason=r, n=n, example=examples[r]) for r, n in counts.most_common()]


def failure_reason(trial: Trial) -> str:
    """Return why a trial failed, in one word."""
    return "unknown" if trial.error is None else trial.error.reason


def failure_text(trial: Trial) -> str:
    """Return why a trial failed, on one line: the reason, and the first line of the message."""
    text = escaped(trial.error.text if trial.error else failure_reason(trial))
    return text if len(text) <= _MAX_ERROR else text[: _MAX_ERROR - 1] + "…"


def failure_line(trial: Trial) -> str:
    """Return a failed trial on one line."""
    return f"trial {trial.tid}: {failure_text(trial)}"


def group_line(group: FailureGroup) -> str:
    """Return a group of failed trials on one line."""
    which = f"trial {group.example.tid}" if group.n == 1 else f"first in trial {group.example.tid}"
    return f"{group.n} x {failure_text(group.example)}  ({which})"
