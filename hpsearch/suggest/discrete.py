"""Discrete spaces: which points were tried, and how to find another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.space.distribution import Categorical, Distribution, Integer, Numeric
from hpsearch.space.tree import Space, Values

#: Checks of conditions after which an enumeration gives up.
_MAX_CHECKS = 50_000


class TriedPoints:
    """The points of a history, updated as it grows."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._n = 0
        self._keys: set[bytes] = set()

    def read(self, history: History) -> Set[bytes]:
        """Return the keys of all points of a history; reads only the new rows of the last one."""
        history = history.whole
        if history is not self._history or len(history) < self._n:
            self._history, self._n, self._keys = history, 0, set()
        self._keys.update(point_key(row) for row in history.values[self._n :])
        self._n = len(history)
        return self._keys


class KnownPoints:
    """Finished, pending and suggested points; grows with each suggestion of a batch.

    Parameters
    ----------
    history : History
        Encodes points of the space.
    tried : set of bytes
        Keys of the finished points, from ``TriedPoints.read``; not modified.
    pending : sequence of Values
        Points that wait or are under evaluation.
    """

    def __init__(self, history: History, tried: Set[bytes], pending: Sequence[Values]) -> None:
        self._encode = history.encode
        self._tried = tried
        self._open: set[bytes] = set()
        for values in pending:
            self.add(values)

    def __contains__(self, values: Values) -> bool:
        key = point_key(self._encode(values)[0])
        return key in self._tried or key in self._open

    def __len__(self) -> int:
        return len(self._tried | self._open)

    def add(self, values: Values) -> None:
        """Add a suggested point."""
        self._open.add(point_key(self._encode(values)[0]))


def can_repeat(space: Space) -> bool:
    """Whether a point can occur twice: no parameter that is always active is continuous."""
    return not any(
        p.paths == ((),) and isinstance(p.distribution, Numeric) and not p.distribution.q
        for p in space.parameters
    )


def find_new_point(space: Space, known: KnownPoints, rng: np.random.Generator) -> Values | None:
    """Find a point of a finite space that is not known, if there is one.

    Enumerates the points, beginning at a random value of each parameter, and stops at the first new one. It
    visits at most one point more than there are known points. With conditions it visits forbidden ones, too,
    each of which it leaves as early as a condition can be decided, and gives up after ``_MAX_CHECKS``.

    Parameters
    ----------
    space : Space
        A finite space: its ``n_points`` is not None.
    known : KnownPoints
        The points to avoid.
    rng : Generator
        Chooses where the enumeration starts.

    Returns
    -------
    Values or None
        None when every allowed point is known.
    """
    checks = iter(range(_MAX_CHECKS))
    return next((values for values in _points(space, {}, 0, rng, checks) if values not in known), None)


def point_key(row: Floats) -> bytes:
    """Return a key of a point from its row in a history; the choices determine which zeros are values."""
    return (row + 0.0).tobytes()  # turns -0.0 into 0.0


def _points(
    space: Space,
    above: Mapping[str, float | int],
    depth: int,
    rng: np.random.Generator,
    checks: Iterator[int],
) -> Iterator[Values]:
    """Yield every allowed point that continues the values of the first ``depth`` parameters."""
    if depth == len(space.parameters):
        yield above
        return
    parameter = space.parameters[depth]
    if not parameter.is_active(above):
        extended: Iterator[Mapping[str, float | int]] = iter([above])
    else:
        extended = ({**above, parameter.label: value} for value in _values(parameter.distribution, rng))
    for values in extended:
        if space.conditions:
            if next(checks, None) is None:
                return
            if space.conditions.broken_by(values, decided_at=depth) is not None:
                continue
        yield from _points(space, values, depth + 1, rng, checks)


def _values(distribution: Distribution, rng: np.random.Generator) -> Iterator[float | int]:
    """Yield each value of a finite distribution once, in cyclic order from a random start."""
    match distribution:
        case Categorical(probabilities=probabilities):
            possible = [i for i, p in enumerate(probabilities) if p > 0]
            yield from (possible[i] for i in _cycle(len(possible), rng))
        case Integer(low=low, high=high):
            yield from (low + i for i in _cycle(high - low, rng))
        case Numeric(q=float(q), n_values=int(n_values)):
            least = round(distribution.support()[0] / q)
            yield from ((least + i) * q for i in _cycle(n_values, rng))
        case _:
            raise ValueError(f"the values of {distribution.name} cannot be counted")


def _cycle(n: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield 0 to n - 1 in cyclic order from a random start."""
    start = int(rng.integers(n))
    yield from range(start, n)
    yield from range(start)
