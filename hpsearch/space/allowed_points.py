"""Drawing points that satisfy the conditions of a space.

Points are drawn from the prior, in batches that grow, until one satisfies the conditions, so they have the
distribution of the prior among the allowed points. Conditions that share no parameter are independent: each
group of parameters is drawn on its own until its conditions hold, so that three conditions of a share of 1 %
each take hundreds of draws, not a million.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named
from hpsearch.space.columns import Bools, Floats
from hpsearch.space.distribution import Numeric
from hpsearch.space.parameters import Parameter
from hpsearch.space.point_conditions import Check, PointConditions, Points

#: Draws of a group after which its conditions count as impossible to satisfy.
MAX_DRAWS = 2**20
#: A function takes longer than a predicate: its conditions get this share of the draws.
_SHARE_OF_FUNCTIONS = 1 / 16
#: Draws in the first batch, growth of the batches, and draws in the largest.
_FIRST_BATCH, _GROWTH, _LARGEST_BATCH = 8, 4, 2**14

_Values = dict[str, float | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Parameters that are drawn together, with the choices above them, and what they must satisfy."""

    parameters: tuple[Parameter, ...]  #: in the order of the space
    checks: tuple[Check, ...]


def groups_of(parameters: Sequence[Parameter], conditions: PointConditions) -> tuple[Group, ...]:
    """Return the smallest groups of parameters whose conditions are independent.

    Parameters
    ----------
    parameters : sequence of Parameter
        All parameters of a space, in order.
    conditions : PointConditions
        Its conditions.
    """
    above = {p.label: {c.label for path in p.paths for c in path} for p in parameters}
    members: list[tuple[set[str], list[Check]]] = []
    for check in conditions.checks:
        labels = set(check.labels).union(*(above[label] for label in check.labels))
        shared = [one for one in members if one[0] & labels]
        members = [one for one in members if not one[0] & labels]
        checks = [*(other for one in shared for other in one[1]), check]
        members.append((labels.union(*(one[0] for one in shared)), checks))
    return tuple(
        Group(parameters=tuple(p for p in parameters if p.label in labels), checks=tuple(checks))
        for labels, checks in members
    )


def draw_allowed(
    parameters: Sequence[Parameter],
    groups: Sequence[Group],
    conditions: PointConditions,
    rng: np.random.Generator,
    kept: Mapping[str, float | int] | None = None,
    max_draws: int = MAX_DRAWS,
) -> _Values:
    """Draw a point that satisfies the conditions.

    Parameters
    ----------
    parameters : sequence of Parameter
        All parameters of the space, in order.
    groups : sequence of Group
        The result of ``groups_of``.
    conditions : PointConditions
        The conditions.
    rng : Generator
        Source of randomness.
    kept : mapping, optional
        A point of the space to repair: only groups whose conditions it violates, and parameters that they
        activate, are drawn.
    max_draws : int
        Draws of each group after which the conditions count as impossible.

    Raises
    ------
    SpaceError
        If no draw satisfies the conditions; names them.
    """
    conditions.require_known()
    found: _Values = {}
    for group in groups:
        found |= _draw_group(group, conditions, rng, kept, max_draws)
    values: _Values = {}
    for parameter in parameters:
        label = parameter.label
        if not parameter.is_active(values):
            continue
        if label in found:
            values[label] = found[label]
        elif kept is not None and label in kept:
            values[label] = kept[label]
        else:
            values[label] = parameter.distribution.sample(rng)
    return values


def _draw_group(
    group: Group,
    conditions: PointConditions,
    rng: np.random.Generator,
    kept: Mapping[str, float | int] | None,
    max_draws: int,
) -> _Values:
    """Draw the parameters of a group until they satisfy its conditions."""
    if kept is not None and not conditions.forbidden(_one_point(group, kept), group.checks)[0]:
        return {p.label: kept[p.label] for p in group.parameters if p.label in kept}
    n_drawn, n = 0, _FIRST_BATCH
    if any(check.function is not None for check in group.checks):
        max_draws = int(max_draws * _SHARE_OF_FUNCTIONS)
    while n_drawn < max_draws:
        points = _drawn_points(group, n, rng)
        allowed = np.flatnonzero(~conditions.forbidden(points, group.checks))
        if len(allowed):
            return _point(group, points, int(allowed[0]))
        n_drawn, n = n_drawn + n, min(_GROWTH * n, _LARGEST_BATCH)
    impossible = [check for check in group.checks if conditions.forbidden(points, [check]).all()]
    texts = " and ".join(dict.fromkeys(named(check.text) for check in impossible or group.checks))
    raise SpaceError(
        f"None of {n_drawn} random points of the space satisfies the condition {texts}; "
        "loosen it, or choose ranges in which it holds more often."
    )


def _drawn_points(group: Group, n: int, rng: np.random.Generator) -> Points:
    """Draw all parameters of a group, and determine which are active."""
    values: dict[str, Floats] = {}
    active: dict[str, Bools] = {}
    for parameter in group.parameters:
        label = parameter.label
        values[label] = parameter.distribution.sample_many(rng, n)
        active[label] = np.zeros(n, dtype=bool)
        for path in parameter.paths:
            holds = np.ones(n, dtype=bool)
            for step in path:
                holds &= values[step.label] == step.option
            active[label] |= holds
    return Points(values, active, n)


def _one_point(group: Group, values: Mapping[str, float | int]) -> Points:
    labels = [parameter.label for parameter in group.parameters]
    return Points(
        {label: np.array([float(values.get(label, 0.0))]) for label in labels},
        {label: np.array([label in values]) for label in labels},
        1,
    )


def _point(group: Group, points: Points, row: int) -> _Values:
    """Return one of the drawn points, in the types that sampling gives."""
    values: _Values = {}
    for parameter in group.parameters:
        if points.active[parameter.label][row]:
            value = float(points.values[parameter.label][row])
            is_real = isinstance(parameter.distribution, Numeric)
            values[parameter.label] = value if is_real else int(value)
    return values
