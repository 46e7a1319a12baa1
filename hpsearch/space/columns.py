"""Columns of values, and the functions of columns from which predicates are built.

A column is ``Numbers``, or ``Options`` for values of any type: a comparison of options is computed once for
each pair of options, and then looked up. Each builder below returns a function of the columns by name and of
the number of rows.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers."""

    values: Floats  #: (m,); arbitrary where missing
    is_missing: Bools  #: (m,)


@dataclass(frozen=True, slots=True)
class Options:
    """A column of values among a few."""

    options: tuple[Any, ...]  #: of any types
    codes: NDArray[np.intp]  #: (m,) index of the option; -1 where missing


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether something holds for each row; unknown where it is neither true nor false."""

    is_true: Bools  #: (m,)
    is_false: Bools  #: (m,)


Column = Numbers | Options
Columns = Mapping[str, Column]
#: Functions of the columns by name and of the number of rows.
Term = Callable[[Columns, int], Column]
TruthOf = Callable[[Columns, int], Truth]


def as_numbers(column: Column) -> Numbers:
    """Return a column as numbers; options that are no numbers are missing."""
    if isinstance(column, Numbers):
        return column
    values = [float(o) if _is_number(o) else np.nan for o in column.options]
    found = np.array([*values, np.nan])[column.codes]
    return Numbers(found, np.isnan(found))


# Terms


def named_column(name: str) -> Term:
    """Return the column of a name; one without a column is missing everywhere."""

    def term(columns: Columns, n: int) -> Column:
        return columns[name] if name in columns else Options((), np.full(n, -1, dtype=np.intp))

    return term


def constant(value: Any) -> Term:
    """Return the same value for every row."""
    return lambda columns, n: Options((value,), np.zeros(n, dtype=np.intp))


def computed(function: Callable[..., Any], terms: list[Term]) -> Term:
    """Return the result of a function of numbers, missing where it is not finite.

    Parameters
    ----------
    function : callable
        Takes an (m,) array for each operand.
    terms : list of Term
        The operands.
    """

    def term(columns: Columns, n: int) -> Column:
        operands = [as_numbers(one(columns, n)) for one in terms]
        with np.errstate(all="ignore"):
            values = function(*(operand.values for operand in operands))
        is_missing = np.logical_or.reduce([operand.is_missing for operand in operands])
        return Numbers(values, is_missing | ~np.isfinite(values))

    return term


def value_of(truth: TruthOf) -> Term:
    """Return False and True as a column."""

    def term(columns: Columns, n: int) -> Column:
        found = truth(columns, n)
        return Options((False, True), np.where(found.is_true, 1, np.where(found.is_false, 0, -1)))

    return term


# Truths


def all_of(parts: list[TruthOf]) -> TruthOf:
    """Return the conjunction: false where a part is, true where all are, else unknown."""
    if len(parts) == 1:
        return parts[0]

    def truth(columns: Columns, n: int) -> Truth:
        found = [part(columns, n) for part in parts]
        return Truth(
            np.logical_and.reduce([one.is_true for one in found]),
            np.logical_or.reduce([one.is_false for one in found]),
        )

    return truth


def any_of(parts: list[TruthOf]) -> TruthOf:
    """Return the disjunction: true where a part is, false where all are, else unknown."""
    return negated(all_of([negated(part) for part in parts]))


def negated(part: TruthOf) -> TruthOf:
    """Return the opposite; unknown stays unknown."""

    def truth(columns: Columns, n: int) -> Truth:
        found = part(columns, n)
        return Truth(found.is_false, found.is_true)

    return truth


def truth_of(term: Term) -> TruthOf:
    """Return the truth of values, as Python's ``bool``."""

    def truth(columns: Columns, n: int) -> Truth:
        column = term(columns, n)
        if isinstance(column, Numbers):
            is_set = column.values != 0
            return Truth(is_set & ~column.is_missing, ~is_set & ~column.is_missing)
        is_set = np.array([*map(bool, column.options), False])[column.codes]
        return Truth(is_set, ~is_set & (column.codes >= 0))

    return truth


def is_none_of(term: Term) -> TruthOf:
    """Return where a value is missing or None; never unknown."""

    def truth(columns: Columns, n: int) -> Truth:
        column = term(columns, n)
        if isinstance(column, Numbers):
            return Truth(column.is_missing, ~column.is_missing)
        is_none = np.array([*(option is None for option in column.options), True])[column.codes]
        return Truth(is_none, ~is_none)

    return truth


def compared(compare: Callable[[Any, Any], Any], left: Term, right: Term) -> TruthOf:
    """Return a comparison, unknown where a value is missing or the two have no order.

    Parameters
    ----------
    compare : callable
        A function of ``operator``.
    left, right : Term
        What to compare.
    """

    def truth(columns: Columns, n: int) -> Truth:
        one, other = left(columns, n), right(columns, n)
        if isinstance(one, Options) and isinstance(other, Options):
            return _looked_up(compare, one, other)
        a, b = as_numbers(one), as_numbers(other)
        is_known = ~(a.is_missing | b.is_missing)
        holds = compare(a.values, b.values)
        is_true, is_false = holds & is_known, ~holds & is_known
        # A number differs from an option that is none.
        differs = ~is_known & _is_present(one) & _is_present(other)
        if compare is operator.eq:
            is_false |= differs
        elif compare is operator.ne:
            is_true |= differs
        return Truth(is_true, is_false)

    return truth


def contained(left: Term, right: Term) -> TruthOf:
    """Return where a text contains another.

    Parameters
    ----------
    left : Term
        The part.
    right : Term
        The whole.
    """

    def truth(columns: Columns, n: int) -> Truth:
        part, whole = left(columns, n), right(columns, n)
        if isinstance(part, Options) and isinstance(whole, Options):
            return _looked_up(lambda one, other: one in other, part, whole)
        unknown = np.zeros(n, dtype=bool)
        return Truth(unknown, unknown)

    return truth


def _looked_up(compare: Callable[[Any, Any], Any], one: Options, other: Options) -> Truth:
    """Compare options, each pair once; the last row and column of the tables belong to the code -1."""
    is_true = np.zeros((len(one.options) + 1, len(other.options) + 1), dtype=bool)
    is_false = np.zeros_like(is_true)
    for i, a in enumerate(one.options):
        for j, b in enumerate(other.options):
            try:
                holds = bool(compare(a, b))
            except (TypeError, ValueError):  # such as a text and a number
                continue
            (is_true if holds else is_false)[i, j] = True
    return Truth(is_true[one.codes, other.codes], is_false[one.codes, other.codes])


def _is_present(column: Column) -> Bools:
    return np.asarray(column.codes >= 0) if isinstance(column, Options) else ~column.is_missing


def _is_number(value: Any) -> bool:
    """Whether a value is a number that is finite as a float."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max
