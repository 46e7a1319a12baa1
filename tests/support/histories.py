"""Spaces, histories and short searches for the tests of the suggesters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.space.distribution import Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.protocol import Suggester, trial_rng

#: One maker of a parameter for each kind of distribution, by label.
LEAVES: dict[str, Callable[[str], Any]] = {
    "uniform": lambda label: hp.uniform(label, -2, 3),
    "loguniform": lambda label: hp.loguniform(label, -4, 2),
    "quniform": lambda label: hp.quniform(label, 1, 10, 3),
    "qloguniform": lambda label: hp.qloguniform(label, -2, 3, 1),
    "uniformint": lambda label: hp.uniformint(label, -3, 4),
    "normal": lambda label: hp.normal(label, 1, 2),
    "qnormal": lambda label: hp.qnormal(label, 0, 2, 0.5),
    "lognormal": lambda label: hp.lognormal(label, -1, 1.5),
    "qlognormal": lambda label: hp.qlognormal(label, 1, 1, 1),
    "randint": lambda label: hp.randint(label, 2, 9),
    "choice": lambda label: hp.choice(label, ["a", "b", "c"]),
    "pchoice": lambda label: hp.pchoice(label, [(0.2, "a"), (0.0, "never"), (0.8, "b"), (0.0, "nor this")]),
}


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Draw a space of nested choices with nodes shared by several branches."""
    made: list[Any] = []

    def node(depth: int) -> Any:
        kinds = [*LEAVES, *(["branch"] * 6 if depth else []), *(["again"] if made else [])]
        kind = draw(st.sampled_from(kinds))
        if kind == "again":
            return draw(st.sampled_from(made))
        label = f"{kind}{len(made)}"
        if kind == "branch":
            options = [node(depth - 1) for _ in range(draw(st.integers(1, 3)))]
            made.append(hp.choice(f"branch{len(made)}", options))
        else:
            made.append(LEAVES[kind](label))
        return made[-1]

    return Space([node(2) for _ in range(draw(st.integers(0, 4)))])


def extreme_histories(kind: str) -> Iterator[History]:
    """Yield histories of one parameter at the ends of its support, or at the limits of floats."""
    space = Space(LEAVES[kind]("x"))
    distribution = space.parameters[0].distribution
    if isinstance(distribution, Numeric):
        ends: list[float] = [distribution.nearest(v) for v in (-1e300, 0.0, 5e-324, 1e300)]
    else:
        ends = [v for v in range(10) if distribution.contains(v)]
    for end in ends:
        for others in ([end] * 12, ends * 4):
            yield history(space, [{"x": v} for v in (end, *others)], range(len(others) + 1))


def history(space: Space, points: Iterable[Values], losses: Iterable[float | None]) -> History:
    """Return a history; a loss of None is a failed trial."""
    finished = History(space)
    for values, loss in zip(points, losses, strict=True):
        add(finished, values, loss)
    return finished


def add(finished: History, values: Values, loss: float | None) -> None:
    """Append one trial."""
    state = State.FAILED if loss is None else State.DONE
    finished.add(Trial(exp_key="e", tid=len(finished), values=values, state=state, loss=loss))


def rngs(n: int, seed: int = 0, first: int = 0) -> list[np.random.Generator]:
    """Return the generators of ``n`` trials."""
    return [trial_rng(seed, first + i) for i in range(n)]


def search(
    suggester: Suggester,
    space: Space,
    objective: Callable[[Values], float | None],
    n: int,
    *,
    seed: int = 0,
    start: Sequence[Values] = (),
) -> tuple[list[Values], History]:
    """Suggest and evaluate ``n`` points one by one; return them and the history."""
    finished = history(space, start, [objective(values) for values in start])
    points = []
    for tid in range(n):
        (suggestion,) = suggester.suggest(finished, [], [trial_rng(seed, tid)])
        points.append(suggestion.values)
        add(finished, suggestion.values, objective(suggestion.values))
    return points, finished
