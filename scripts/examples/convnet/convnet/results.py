"""One JSON file for each trial, written atomically and named after the search and the trial."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hpsearch.errors import HpsearchError, NotFoundError

#: Trials that a search draws at random before it learns from them.
N_RANDOM = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A finished trial."""

    exp_key: str  #: the search
    tid: int  #: its number within the search
    values: Mapping[str, float]  #: by label, of the active parameters; a choice is an index
    params: Mapping[str, Any]  #: the same as a person reads them
    result: Mapping[str, Any]  #: what the objective returned

    @property
    def accuracy(self) -> float | None:
        """The best accuracy on the validation images; None of a trial that failed."""
        return self.result.get("accuracy") if self.result.get("status") == "ok" else None


def write_record(folder: Path, record: Record) -> Path:
    """Write a record, in the place of an earlier one of the same trial; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    # A search may be called "a/b", a file may not.
    path = folder / f"{quote(record.exp_key, safe='')}-{record.tid:06d}.json"
    text = json.dumps(asdict(record), indent=1, allow_nan=False) + "\n"
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read_records(folder: Path, exp_key: str | None = None) -> list[Record]:
    """Read the records of one search, in the order of their numbers.

    Parameters
    ----------
    folder : Path
        The folder of results.
    exp_key : str, optional
        The search; optional if there is only one.

    Raises
    ------
    NotFoundError
        If there is no record, or there are several searches to choose from.
    HpsearchError
        If a file is not a result.
    """
    records = [_read(path) for path in sorted(folder.glob("*-??????.json"))]
    known = sorted({record.exp_key for record in records})
    if exp_key is None and len(known) > 1:
        raise NotFoundError(f"{folder} holds several searches ({', '.join(known)}); name one with --exp-key.")
    found = [record for record in records if exp_key in {None, record.exp_key}]
    if not found:
        of = "" if exp_key is None else f" of the search {exp_key!r}"
        there = f"; it holds {', '.join(known)}" if known else ""
        raise NotFoundError(f"There are no results{of} in {folder}{there}.")
    return sorted(found, key=lambda record: record.tid)


def improvement_text(records: Sequence[Record]) -> str:
    """Return two lines: the best of the random trials, and the best of all."""
    first = [record for record in records if record.tid < N_RANDOM]
    n_failed = sum(record.accuracy is None for record in records)
    failed = f" ({n_failed} failed)" if n_failed else ""
    return "\n".join(
        (
            f"best of the first {N_RANDOM} trials, at random: {_best_text(first)}",
            f"best of all {len(records)} trials{failed}: {_best_text(records)}",
        )
    )


def _best_text(records: Sequence[Record]) -> str:
    scores = [(record.accuracy, -record.tid) for record in records if record.accuracy is not None]
    if not scores:
        return "none succeeded"
    accuracy, minus_tid = max(scores)
    return f"accuracy {accuracy:.4f} (trial {-minus_tid})"


def _read(path: Path) -> Record:
    try:
        return Record(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise HpsearchError(f"{path} is not the result of a trial: {error}") from error
