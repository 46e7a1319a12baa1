"""A search and its outcome, and outcomes that are kept in a file for the next comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What determines a search, and with it the result."""

    algorithm: str
    problem: str
    seed: int
    n_evals: int
    n_workers: int = 1
    version: str = ""  #: of hpsearch's code, for its own algorithms; empty for peers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a search."""

    best: Sequence[float]  #: after each evaluation, the loss without noise of the best seen; inf before any
    cpu_s: float  #: of the algorithm, over all evaluations
    answer: float | None = (
        None  #: the loss without noise of the believed best trial; None: the last of the others
    )
    error: str | None = None  #: of a peer that could not go on; the losses then stay as they were


class Kept:
    """Outcomes in a file of JSON lines, one for each search.

    Parameters
    ----------
    path : Path or None
        Created with the first outcome; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[Search, Outcome] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                document = json.loads(line)
                self._found[Search(**document["search"])] = Outcome(**document["outcome"])

    def find(self, search: Search) -> Outcome | None:
        """Return the outcome of a search; None if it is not there."""
        return self._found.get(search)

    def add(self, search: Search, outcome: Outcome) -> None:
        """Append an outcome to the file.

        Parameters
        ----------
        search : Search
        outcome : Outcome
        """
        if self._path is None:
            return
        self._found[search] = outcome
        with self._path.open("a") as file:
            print(json.dumps({"search": asdict(search), "outcome": asdict(outcome)}), file=file)
