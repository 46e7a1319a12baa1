"""Which searches a list shows, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from hpsearch.core.experiment import Experiment

#: Searches that a list shows at least, if there are so many; those that go on are shown in any case.
_AT_LEAST = 10

_NEVER = datetime.min.replace(tzinfo=UTC)


def listed(experiments: Iterable[Experiment], *, with_all: bool) -> tuple[list[Experiment], int]:
    """Return the searches to show, and how many that have ended are left out.

    Those that go on come first, those that have ended after them; in each part, what was started last
    comes first. Unless all are asked for, only so many of the ended ones are shown that a screen holds.
    """
    ordered = sorted(experiments, key=_started_at, reverse=True)
    live = [e for e in ordered if not e.state.is_over]
    ended = [e for e in ordered if e.state.is_over]
    shown = ended if with_all else ended[: max(0, _AT_LEAST - len(live))]
    return live + shown, len(ended) - len(shown)


def _started_at(experiment: Experiment) -> datetime:
    return experiment.started_at or experiment.created_at or _NEVER
