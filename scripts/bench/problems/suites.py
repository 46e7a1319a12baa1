"""Suites: lists of problems by kind, in ``suites/*.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "suites"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Problems that are reported together."""

    n_evals: int  #: evaluations per search, if the command does not say
    kinds: Mapping[str, str]  #: the kind of each problem, by the problem's name

    @property
    def names(self) -> Sequence[str]:
        """The problems' names."""
        return list(self.kinds)


def suite_names() -> list[str]:
    """Return the names of all suites."""
    return sorted(path.stem for path in _FOLDER.glob("*.json") if path.stem != "best_known")


def load(name: str) -> Suite:
    """Return a suite."""
    found = json.loads((_FOLDER / f"{name}.json").read_text())
    kinds = {problem: kind for kind, problems in found["problems"].items() for problem in problems}
    return Suite(n_evals=found["evaluations"], kinds=kinds)


def best_known() -> Mapping[str, float]:
    """Return the least loss that was ever found, by name, of problems without an exact optimum."""
    known: dict[str, float] = json.loads((_FOLDER / "best_known.json").read_text())
    return known
