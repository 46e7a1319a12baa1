"""Searches with several objectives and outcome limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.core.goal import Goal
from hpsearch.core.history import History
from hpsearch.core.outcomes import Limit, Objective, Outcomes
from hpsearch.core.trial import State, Trial
from hpsearch.space.tree import Values


def outcomes(n_objectives: int = 1, n_limits: int = 0) -> Outcomes | None:
    """Return objectives f0, f1, ... to minimise and limits of c0, c1, ... to 0; None for one loss alone."""
    if n_objectives == 1 and not n_limits:
        return None
    names = [f"f{i}" for i in range(n_objectives)]
    return Outcomes(
        objectives=tuple(Objective(name=name, goal=Goal(metric=name)) for name in names),
        limits=tuple(Limit(name=f"c{i}") for i in range(n_limits)),
    )


def add_outcomes(
    history: History,
    values: Values,
    losses: Sequence[float] | None,
    violations: Sequence[float] | Mapping[str, float] = (),
) -> None:
    """Append a trial with the outcomes of ``outcomes``; one without losses has failed."""
    if not isinstance(violations, Mapping):
        violations = {f"c{i}": amount for i, amount in enumerate(violations)}
    is_single = losses is not None and len(losses) == 1
    history.add(
        Trial(
            exp_key="e",
            tid=len(history),
            values=values,
            state=State.FAILED if losses is None else State.DONE,
            loss=losses[0] if losses is not None and is_single else None,
            losses=None if losses is None or is_single else {f"f{i}": loss for i, loss in enumerate(losses)},
            violations=None if losses is None else violations,
        )
    )
