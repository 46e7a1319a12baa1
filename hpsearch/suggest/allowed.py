"""The conditions of a space, for arrays of points."""

from __future__ import annotations

from hpsearch.core.history import Bools, Floats
from hpsearch.space.point_conditions import Points
from hpsearch.space.tree import Space


class AllowedPoints:
    """Which points of a space satisfy its conditions.

    Parameters
    ----------
    space : Space
        A space with conditions.

    Raises
    ------
    SpaceError
        If a condition cannot be evaluated in this process.
    """

    def __init__(self, space: Space) -> None:
        space.conditions.require_known()
        self._conditions = space.conditions
        wanted = {label for check in space.conditions.checks for label in check.labels}
        self._columns = {p.label: j for j, p in enumerate(space.parameters) if p.label in wanted}

    def mask(self, values: Floats, active: Bools) -> Bools:
        """Return which points satisfy the conditions, as an (m,) mask.

        Parameters
        ----------
        values : (m, d) array
            Raw values; arbitrary where inactive.
        active : (m, d) array of bool
            Which parameters are active.
        """
        points = Points(
            {label: values[:, j] for label, j in self._columns.items()},
            {label: active[:, j] for label, j in self._columns.items()},
            len(values),
        )
        return ~self._conditions.forbidden(points)


def allowed_points(space: Space) -> AllowedPoints | None:
    """Return the conditions of a space; None if it has none, so that they cost nothing."""
    return AllowedPoints(space) if space.conditions else None
