"""Tables of a comparison, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scoring import CLIP, interval, ranks, win_rates, worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the tables show; the first algorithm is the one whose wins are counted."""

    regrets: Mapping[str, np.ndarray]  #: (problems, seeds, evaluations), by algorithm
    cpu_s: Mapping[str, np.ndarray]  #: (problems, seeds), per suggestion
    problems: Sequence[str]  #: names
    kinds: Sequence[str]  #: of the problems

    def after(self, n: int) -> Mapping[str, np.ndarray]:
        """Return the regrets after ``n`` evaluations, (problems, seeds), by algorithm."""
        return {name: values[:, :, n - 1] for name, values in self.regrets.items()}


def overall(found: Comparison, n: int, sequential: Mapping[str, np.ndarray] | None = None) -> str:
    """Return one row per algorithm, the one with the least mean rank first.

    Parameters
    ----------
    found : Comparison
    n : int
        Evaluations.
    sequential : mapping, optional
        Regrets with one worker, for the column ``worth``.
    """
    at, rank = found.after(n), ranks(found.after(n))
    judged = next(iter(at))
    head = ["algorithm", "regret", f"wins of {judged}", "mean rank", "CPU"]
    rows = []
    for name in sorted(at, key=lambda name: rank[name].mean()):
        wins = "" if name == judged else _with_interval(win_rates(at[judged], at[name]))
        cpu = f"{1e3 * np.median(found.cpu_s[name]):.1f} ms"
        row = [name, _with_interval(_mean(at[name])), wins, f"{rank[name].mean():.2f}", cpu]
        if sequential is not None:
            value, low, high = worth(found.regrets[name][:, :, :n], sequential[name][:, :, :n])
            row.append(f"{value:.0f} [{low:.0f}, {high:.0f}]")
        rows.append(row)
    return _table(head if sequential is None else [*head, "worth"], rows)


def by_kind(found: Comparison, n: int) -> str:
    """Return tables with one row per kind: regret, wins of the first algorithm, mean rank, and CPU time."""
    at, rank = found.after(n), ranks(found.after(n))
    judged, *others = at
    tables = {
        "regret": {name: _row(_mean(values), "{:.2f}") for name, values in at.items()},
        f"wins of {judged}": {name: _wins(at[judged], at[name]) for name in others},
        "mean rank": {name: _row(values, "{:.1f}") for name, values in rank.items()},
        "CPU, ms": {name: _row(1e3 * np.median(found.cpu_s[name], axis=1), "{:.1f}") for name in at},
    }
    kinds = {kind: np.array([other == kind for other in found.kinds]) for kind in dict.fromkeys(found.kinds)}
    return "\n".join(
        _table(
            [title, *columns],
            [
                [f"{kind} ({own.sum()})", *(cell(own) for cell in columns.values())]
                for kind, own in kinds.items()
            ],
        )
        for title, columns in tables.items()
    )


def _row(values: np.ndarray, form: str) -> Callable[[np.ndarray], str]:
    """Return the mean of some of the (problems,) values as text."""
    return lambda own: form.format(values[own].mean())


def _wins(a: np.ndarray, b: np.ndarray) -> Callable[[np.ndarray], str]:
    """Return the win rate of ``a`` on some problems, with an interval if there are several."""
    rates = win_rates(a, b)

    def text(own: np.ndarray) -> str:
        if own.sum() < 2:
            return f"{rates[own].mean():.2f}"
        low, high = interval(rates[own])
        return f"{rates[own].mean():.2f} [{low:.2f}, {high:.2f}]"

    return text


def by_problem(found: Comparison, n: int) -> str:
    """Return the mean regret of each algorithm on each problem."""
    at = found.after(n)
    rows = [
        [problem, *(f"{_mean(values)[i]:.2f}" for values in at.values())]
        for i, problem in enumerate(found.problems)
    ]
    return _table(["regret", *at], rows)


def _mean(at: np.ndarray) -> np.ndarray:
    """Return the mean of limited (problems, seeds) regrets over seeds."""
    means: np.ndarray = np.minimum(at, CLIP).mean(axis=1)
    return means


def _with_interval(values: np.ndarray) -> str:
    low, high = interval(values)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns of equal width: the first flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines) + "\n"
