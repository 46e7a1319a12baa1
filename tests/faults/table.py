"""The outcome of each kind of fault, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.checker import Broken
from tests.faults.injections import LANES, Kind

_LOST = "lease expired"
_HEAD = ("fault", "injected", "it hit", "run again", "broken promises")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An injected fault."""

    kind: Kind
    n_hit: int  #: how many of ``unit`` it met
    unit: str  #: such as "trials in hand" or "commands"
    #: Evaluations under way in what it hit: name of the trial, attempt.
    in_hand: frozenset[tuple[str, int]] = frozenset()
    is_local: bool = False  #: whether it hit one worker, not all of them
    note: str = ""  #: what exactly was done


@dataclass(slots=True)
class _Row:
    n: int = 0
    n_hit: int = 0
    units: Counter[str] = field(default_factory=Counter)
    n_again: int = 0
    n_broken: int = 0


def table(
    outcomes: Sequence[Outcome], trials: Sequence[Mapping[str, Any]], broken: Sequence[Broken]
) -> list[tuple[str, ...]]:
    """Return the table, with a head and a line of sums.

    A lost attempt, and a broken promise about a trial, count for the fault that hit the one worker
    which had the trial in hand, else for the latest that hit all workers; others only in the sums.
    """
    rows = {kind: _Row() for lane in LANES.values() for kind in lane}
    for outcome in outcomes:
        row = rows[outcome.kind]
        row.n += 1
        row.n_hit += outcome.n_hit
        row.units[outcome.unit] += 1
    lost = [(t["_id"], e["attempt"]) for t in trials for e in t.get("history", []) if e["why"] == _LOST]
    for attempt in lost:
        if (kind := _blamed(outcomes, attempt)) is not None:
            rows[kind].n_again += 1
    for each in broken:
        attempts = {a for o in outcomes for a in o.in_hand if a[0] == each.trial}
        for kind in {_blamed(outcomes, attempt) for attempt in attempts}:
            if kind is not None:
                rows[kind].n_broken += 1
    lines = [
        (str(kind), str(row.n), _hit(row), str(row.n_again), str(row.n_broken))
        for kind, row in rows.items()
        if row.n
    ]
    return [_HEAD, *lines, ("in all", str(len(outcomes)), "", str(len(lost)), str(len(broken)))]


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return a table as README.md has it."""
    head, *rest = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([head, "|---" * len(lines[0]) + "|", *rest])


def _blamed(outcomes: Sequence[Outcome], attempt: tuple[str, int]) -> Kind | None:
    met = [outcome for outcome in outcomes if attempt in outcome.in_hand]
    own = [outcome for outcome in met if outcome.is_local] or met
    return own[-1].kind if own else None


def _hit(row: _Row) -> str:
    [(unit, _)] = row.units.most_common(1)
    return f"{row.n_hit} {unit}"
