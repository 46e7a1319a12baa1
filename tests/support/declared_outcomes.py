"""Declared outcomes from the texts that a user types, and trials of searches that have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes, declared_outcomes, parse_limit, parse_objective
from hpsearch.core.trial import State, Trial

START = datetime(2026, 1, 1, tzinfo=UTC)


def declared(objectives: Sequence[str] = (), limits: Sequence[str] = (), goal: Goal = LOSS) -> Outcomes:
    """Return outcomes that declare something."""
    found = declared_outcomes(list(map(parse_objective, objectives)), list(map(parse_limit, limits)), goal)
    assert found is not None
    return found


def done(
    tid: int,
    losses: dict[str, float] | float,
    violations: dict[str, float] | None = None,
    **fields: Any,
) -> Trial:
    """Return a done trial that finished ``tid`` seconds after the start."""
    several = losses if isinstance(losses, dict) else None
    known: dict[str, Any] = {
        "exp_key": "search",
        "values": {},
        "state": State.DONE,
        "loss": None if isinstance(losses, dict) else losses,
        "losses": several,
        "violations": ({} if several is not None else None) if violations is None else violations,
        "finished_at": START + timedelta(seconds=tid),
    }
    return Trial(tid=tid, **{**known, **fields})
