"""Conditions that the points of a space must satisfy: ``where``.

``where`` adds conditions to a space: predicates as text, or functions. They are part of its expression, as
the operation "subject_to" at the root, so they are stored, fingerprinted and trusted like any other part of
it. A ``Space`` takes that operation off again.

A condition sees the value of each active parameter by its label, as ``Space.params`` shows it: a number, an
option that is a scalar, or the name of another option. Inactive parameters are missing (see ``predicate``).

Not to be confused with ``parameters.Condition``, under which a parameter is active.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.errors import PredicateError, SpaceError
from hpsearch.runtime.escaping import named, reason, shown
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.space.columns import Bools, Column, Floats, Numbers, Options
from hpsearch.space.distribution import Integer
from hpsearch.space.expression import (
    Choice,
    Literal,
    Node,
    Number,
    Operation,
    children,
    operation,
)
from hpsearch.space.option_names import readable_options
from hpsearch.space.predicate import Predicate, conjuncts, parse
from hpsearch.space.trust import Reference, defining_module, qualname_of

#: The operation that holds a space and its conditions.
SUBJECT_TO = "subject_to"


def where(space: Any, *conditions: str | Callable[[Mapping[str, Any]], bool]) -> Operation:
    """Return a space whose points satisfy some conditions, whatever the algorithm.

    Parameters
    ----------
    space : any
        A whole search space, as for ``fmin`` or ``Space``; not one option of a choice.
    *conditions : str or callable
        Expressions in the labels of the space, such as ``"optimizer != 'sgd' or momentum > 0"``, and
        functions that receive a dict of the active parameters by label and return whether a point is allowed.
        To be stored with an experiment, a function must be importable.

    Returns
    -------
    Operation
        Usable wherever a space is.

    Raises
    ------
    PredicateError
        If an expression cannot be read.
    SpaceError
        If a condition is neither text nor a function.

    Examples
    --------
    >>> from hpsearch import hp
    >>> ordered = where({"a": hp.uniform("a", 0, 1), "b": hp.uniform("b", 0, 1)}, "a < b")
    """
    for condition in conditions:
        if isinstance(condition, str):
            parse(condition)
        elif not callable(condition):
            raise SpaceError(
                f'{shown(condition)} is not a condition: give a text such as "a < b", or a function.'
            )
    return operation(SUBJECT_TO, space, *map(Literal, conditions))


def take_off(root: Node) -> tuple[Node, tuple[Any, ...]]:
    """Return an expression without the conditions at its root, and these: texts, functions and references.

    Raises
    ------
    SpaceError
        If a part of the expression has conditions, or one is of another type.
    """
    conditions: list[Any] = []
    while isinstance(root, Operation) and root.name == SUBJECT_TO:
        if not root.args or root.keywords:
            raise SpaceError("The conditions of the space are damaged.")
        root, *given = root.args
        conditions[:0] = [condition.value if isinstance(condition, Literal) else None for condition in given]
    for condition in conditions:
        if not isinstance(condition, str | Reference) and not callable(condition):
            raise SpaceError(f"{shown(condition)} is not a condition: give a text, or a function.")
    _refuse_inner(root)
    return root, tuple(conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A part of a condition that is decided alone: an operand of its outermost ``and``, or a function."""

    text: str  #: the whole condition, for messages
    labels: tuple[str, ...]  #: the parameters that it reads
    last: int  #: index of the last of them in the space: with its value, the check can be decided
    predicate: Predicate | None  #: what must not be false ...
    function: Callable[[Mapping[str, Any]], bool] | None  #: ... or return false


@dataclass(frozen=True, slots=True)
class Points:
    """Some points as columns of raw values; may lack parameters that no check reads."""

    values: Mapping[str, Floats]  #: (m,) by label; arbitrary where inactive
    active: Mapping[str, Bools]  #: (m,) by label
    n: int  #: number of points


class PointConditions:
    """The conditions of one space.

    Parameters
    ----------
    conditions : sequence of str, callable or Reference
        As ``take_off`` returns them.
    nodes : mapping
        The parameters of the space by label, in their order.

    Attributes
    ----------
    texts : tuple of str
        Each condition for display.
    checks : tuple of Check
        What a point must pass.

    Raises
    ------
    SpaceError
        If a condition refers to a parameter or an option that the space does not have.
    """

    def __init__(self, conditions: Sequence[Any], nodes: Mapping[str, Number | Choice]) -> None:
        self._nodes = nodes
        self._index = {label: i for i, label in enumerate(nodes)}
        self.texts = tuple(map(_text_of, conditions))
        #: functions that the reader of a stored space may not import
        self._unknown = tuple(str(c) for c in conditions if isinstance(c, Reference))
        self.checks = tuple(
            check for c in conditions if not isinstance(c, Reference) for check in self._checks_of(c)
        )

    def __bool__(self) -> bool:
        return bool(self.texts)

    @functools.cached_property
    def _names(self) -> Mapping[str, tuple[Any, ...]]:
        """What conditions see of each option, by the label of the choice."""
        return {
            label: readable_options(node.options)
            for label, node in self._nodes.items()
            if isinstance(node, Choice)
        }

    def require_known(self) -> None:
        """Check that every condition can be evaluated here.

        Raises
        ------
        SpaceError
            If one is a function of a stored space, which this process does not import.
        """
        if self._unknown:
            raise SpaceError(
                f"The space has the condition {named(self._unknown[0])}, a function that this command does "
                "not import; only the search itself, started with its space, can suggest points."
            )

    def visible(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Return raw values as conditions see them, in the order of the parameters."""
        return {label: self._visible(label, values[label]) for label in self._nodes if label in values}

    def forbidden(self, points: Points, checks: Sequence[Check] | None = None) -> Bools:
        """Return which points violate a condition.

        Parameters
        ----------
        points : Points
            ``m`` points.
        checks : sequence of Check, optional
            Part of the conditions; by default all.

        Returns
        -------
        (m,) array of bool
            True where a condition is violated.
        """
        checks = self.checks if checks is None else checks
        found = np.zeros(points.n, dtype=bool)
        columns: dict[str, Column] = {}
        for check in checks:
            if check.predicate is not None:
                for label in check.labels:
                    if label not in columns:
                        columns[label] = self._column(label, points)
                found |= check.predicate.truth(columns, points.n).is_false
        for check in checks:
            if check.function is not None:
                for row in np.flatnonzero(~found):
                    found[row] = self._is_refused(check, points, int(row))
        return found

    def broken_by(self, values: Mapping[str, float], decided_at: int | None = None) -> str | None:
        """Return the first condition that a point violates; None if it satisfies all.

        Parameters
        ----------
        values : mapping
            Raw values of the active parameters.
        decided_at : int, optional
            Check only what the value of the parameter with this index decides, if the parameters before it
            have values.
        """
        checks = [check for check in self.checks if decided_at in {None, check.last}]
        if not checks:
            return None
        read = {label for check in checks for label in check.labels}
        active = {label: np.array([label in values]) for label in read}
        raw = {label: np.array([float(values.get(label, 0))]) for label in read}
        point = Points(raw, active, 1)
        return next((check.text for check in checks if self.forbidden(point, [check])[0]), None)

    def require(self, values: Mapping[str, float]) -> None:
        """Check a point.

        Raises
        ------
        SpaceError
            If it violates a condition; names it.
        """
        broken = self.broken_by(values)
        if broken is not None:
            seen = self.visible(values)
            raise SpaceError(f"The point {shown(seen)} violates the condition {named(broken)} of the space.")

    def _checks_of(self, condition: Any) -> list[Check]:
        if not isinstance(condition, str):
            labels, text = tuple(self._nodes), _text_of(condition)
            last = len(labels) - 1
            return [Check(text=text, labels=labels, last=last, predicate=None, function=condition)]
        checks = []
        for predicate in conjuncts(condition):
            self._check_names(predicate)
            last = max(self._index[name] for name in predicate.names)
            names = predicate.names
            check = Check(text=predicate.text, labels=names, last=last, predicate=predicate, function=None)
            checks.append(check)
        return checks

    def _visible(self, label: str, value: float) -> Any:
        node = self._nodes[label]
        if isinstance(node, Choice):
            return self._names[label][int(value)]
        is_int = isinstance(node.distribution, Integer) or node.distribution.is_integer
        return int(value) if is_int else float(value)

    def _column(self, label: str, points: Points) -> Column:
        """Return the values of a parameter as conditions see them."""
        values, active, node = points.values[label], points.active[label], self._nodes[label]
        if isinstance(node, Choice):
            return Options(self._names[label], np.where(active, values, -1).astype(np.intp))
        return Numbers(values, ~active)

    def _is_refused(self, check: Check, points: Points, row: int) -> bool:
        """Whether the function of a check returns false for one of the points."""
        assert check.function is not None
        seen = self.visible({x: points.values[x][row] for x in check.labels if points.active[x][row]})
        try:
            return not check.function(seen)
        except Exception as error:
            raise SpaceError(
                f"The condition {named(check.text)} of the space failed for {shown(seen)}: {reason(error)}."
            ) from error

    def _check_names(self, predicate: Predicate) -> None:
        """Refuse names that are no labels, and values that are no option of the choice compared with them."""
        text = named(predicate.text)
        if not predicate.names:
            raise PredicateError(f"The condition {text} refers to no parameter of the space.")
        for name in predicate.names:
            if name not in self._nodes:
                known = ", ".join(map(repr, self._nodes)) or "none at all"
                raise PredicateError(
                    f"The condition {text} refers to {named(name)}, but the space has no parameter of that "
                    f"name{did_you_mean(name, list(self._nodes))}; it has {known}."
                )
        for name, value in predicate.equalities:
            node = self._nodes[name]
            if isinstance(node, Choice):
                options = self._names[name]
                if value is not None and value not in options:
                    close = did_you_mean(str(value), [o for o in options if isinstance(o, str)])
                    raise PredicateError(
                        f"The condition {text} compares {named(name)} with {shown(value)}, which is none of "
                        f"its options{close}; they are {', '.join(map(repr, options))}."
                    )


def _text_of(condition: Any) -> str:
    if isinstance(condition, str):
        return str(condition).strip()
    return f"{defining_module(condition)}:{qualname_of(condition) or repr(condition)}"


def _refuse_inner(root: Node) -> None:
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Operation) and node.name == SUBJECT_TO:
            raise SpaceError(
                "A part of the space has conditions of its own; give the whole space to hpsearch.where."
            )
        waiting += children(node)
