"""The records of a backup: their order, their checks, and their changes during a restore.

A backup is a sequence of records, one per line: a header; for each experiment its document,
its trials by number, and its attachments, each followed by its chunks; and an end with the
number of records of each kind, which reveals a truncated backup.

Trials are read before attachments. A trial that is finished in the backup stored its
attachments before it finished, so that the backup contains them, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hpsearch.core.trial import State
from hpsearch.errors import BackupError, StoreError, UnreadableError
from hpsearch.runtime.escaping import named
from hpsearch.store.documents.experiment import experiment_from
from hpsearch.store.documents.fields import Fields
from hpsearch.store.documents.layout_migration import SCHEMA, Document
from hpsearch.store.documents.trial import trial_from

#: Version of the sequence of records; ``SCHEMA`` is that of the documents.
FORMAT = 1

#: The reason in the history of a trial that was running when the backup was made.
RESTORED = "restored from a backup"


class Kind(StrEnum):
    """The kind of a record."""

    HEADER = "hpsearch-backup"
    EXPERIMENT = "experiment"
    TRIAL = "trial"
    FILE = "file"
    CHUNK = "chunk"
    END = "end"


#: The kinds that the last record counts.
COUNTED = (Kind.EXPERIMENT, Kind.TRIAL, Kind.FILE, Kind.CHUNK)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a backup."""

    kind: Kind
    document: Document


@dataclass(slots=True)
class Contents:
    """The contents of a backup."""

    n_trials: dict[str, int] = field(default_factory=dict)  #: by experiment, in their order in the backup
    counts: Counter[Kind] = field(default_factory=Counter)  #: records of each kind


def header(now: datetime, n_trials: Mapping[str, int]) -> Record:
    """Return the first record.

    Parameters
    ----------
    now : datetime
        Store time at the start of the backup.
    n_trials : mapping of str to int
        Trials of each experiment at that time; more may be added during the backup.
    """
    experiments = [{"exp_key": key, "n_trials": n} for key, n in n_trials.items()]
    document = {"format": FORMAT, "schema": SCHEMA, "created_at": now, "experiments": experiments}
    return Record(Kind.HEADER, document)


def with_end(records: Iterable[Record], counts: Counter[Kind]) -> Iterator[Record]:
    """Yield records, followed by the end record.

    Parameters
    ----------
    records : iterable of Record
        All records before the end.
    counts : Counter
        Receives the number of records of each kind.
    """
    for record in records:
        counts[record.kind] += 1
        yield record
    yield Record(Kind.END, _end(counts))


def check(records: Iterable[Record]) -> Contents:
    """Read a whole backup and return its contents.

    Raises
    ------
    BackupError
        At the first line that is corrupt or out of place; if the backup is truncated or was
        made by a newer hpsearch.
    """
    found = Contents()
    position = _Position()
    n_lines, last = 0, None
    for n_lines, record in enumerate(records, start=1):
        if last is Kind.END:
            raise corrupt_line(n_lines, "it follows the end")
        if (record.kind is Kind.HEADER) != (n_lines == 1):
            raise corrupt_line(n_lines, "the header must be the first line, and only that")
        if record.kind is Kind.HEADER:
            _check_version(record.document)
        elif record.kind is Kind.END:
            position.end_file(n_lines)
            _check_counts(record.document, found.counts, n_lines)
        else:
            _check_place(record, position, n_lines)
            found.counts[record.kind] += 1
            _count_trial(record, found, n_lines)
        last = record.kind
    if last is not Kind.END:
        raise BackupError(
            f"The backup is truncated: it ends after line {n_lines} without the line that counts the others."
        )
    return found


def of_experiments(records: Iterable[Record], wanted: Collection[str]) -> Iterator[Record]:
    """Yield the records of some experiments.

    Parameters
    ----------
    records : iterable of Record
        A backup that ``check`` accepts.
    wanted : collection of str
        Names of the experiments.
    """
    is_wanted = False
    for record in records:
        if record.kind is Kind.EXPERIMENT:
            is_wanted = record.document["_id"] in wanted
        if is_wanted and record.kind in COUNTED:
            yield record


def as_restored(record: Record, now: datetime) -> Document:
    """Return the document to restore for a record.

    A running trial becomes pending, without counting the attempt as lost. It keeps its token, as after
    an expired lease, so that its worker can still finish it until another claims it. An experiment has
    no coordinator. All other documents are unchanged.

    Parameters
    ----------
    record : Record
        An experiment, a trial, a file or a chunk.
    now : datetime
        Store time, for the history of trials.
    """
    document = record.document
    if record.kind is Kind.EXPERIMENT and "coordinator" in document:
        return {**document, "coordinator": {**document["coordinator"], "owner": None, "lease_until": None}}
    if record.kind is Kind.TRIAL and document["state"] == State.RUNNING.value:
        worker = (document.get("worker") or {}).get("name")
        ended = {"attempt": document["attempt"], "worker": worker, "ended_at": now, "why": RESTORED}
        unleased = {key: value for key, value in document.items() if key != "lease_until"}
        history = [*document.get("history", ()), ended]
        return {**unleased, "state": State.PENDING.value, "history": history}
    return document


def corrupt_line(n_line: int, why: str) -> BackupError:
    """Return the error for a corrupt line.

    Parameters
    ----------
    n_line : int
        Number of the line, from 1.
    why : str
        A clause without a full stop.
    """
    return BackupError(f"Line {n_line} of the backup is corrupt: {why}.")


@dataclass(slots=True)
class _Position:
    """The experiment and the attachment to which the next lines belong."""

    exp_key: str | None = None
    file: Mapping[str, Any] | None = None
    n_chunks: int = 0
    n_bytes: int = 0

    def start_file(self, file: Mapping[str, Any] | None) -> None:
        """Start an attachment."""
        self.file, self.n_chunks, self.n_bytes = file, 0, 0

    def end_file(self, n_line: int) -> None:
        """Raise ``BackupError`` if the attachment is incomplete."""
        if self.file is not None and self.n_bytes != self.file["length"]:
            name = named(self.file.get("filename"))
            raise corrupt_line(n_line, f"a chunk of the attachment {name} is missing before it")


def _check_version(document: Document) -> None:
    try:
        fields = Fields(document, "The header")
        form, schema = fields.integer("format", least=1), fields.integer("schema", least=1)
    except UnreadableError as error:
        raise corrupt_line(1, str(error)) from error
    if form > FORMAT or schema > SCHEMA:
        raise BackupError(
            f"A newer hpsearch made the backup, in layout {schema} (format {form}); this one reads up to "
            f"layout {SCHEMA} (format {FORMAT}): upgrade hpsearch on this machine."
        )


def _check_place(record: Record, position: _Position, n_line: int) -> None:
    """Check that a record is readable and follows those to which it belongs."""
    document = record.document
    if record.kind is not Kind.CHUNK:
        position.end_file(n_line)
    try:
        match record.kind:
            case Kind.EXPERIMENT:
                position.exp_key = experiment_from(document).exp_key
                position.start_file(None)
                is_here = True
            case Kind.TRIAL:
                is_here = trial_from(document).exp_key == position.exp_key
            case Kind.FILE:
                position.start_file(document)
                is_here = document["metadata"]["exp_key"] == position.exp_key
                Fields(document, "It").integer("length", least=0)
            case _:
                is_here = position.file is not None and _is_next(document, position)
    except (KeyError, TypeError, ValueError, AttributeError, StoreError) as error:
        raise corrupt_line(n_line, f"its {record.kind} cannot be read ({error})") from error
    if not is_here:
        raise corrupt_line(n_line, f"this {record.kind} does not belong to the lines before it")


def _is_next(chunk: Document, position: _Position) -> bool:
    """Count a chunk, and return whether it continues the current attachment."""
    n, file = position.n_chunks, position.file or {}
    position.n_chunks, position.n_bytes = n + 1, position.n_bytes + len(chunk["data"])
    is_next = chunk["files_id"] == file["_id"] and chunk["n"] == n
    return bool(is_next and isinstance(chunk["data"], bytes))


def _count_trial(record: Record, found: Contents, n_line: int) -> None:
    if record.kind is Kind.EXPERIMENT:
        if record.document["_id"] in found.n_trials:
            raise corrupt_line(n_line, f"it repeats the experiment {record.document['_id']!r}")
        found.n_trials[record.document["_id"]] = 0
    elif record.kind is Kind.TRIAL:
        found.n_trials[record.document["exp_key"]] += 1


def _check_counts(end: Document, counts: Counter[Kind], n_line: int) -> None:
    if end != _end(counts):
        raise corrupt_line(
            n_line, f"it counts {named(end)}, but there are {_end(counts)}: lines are missing before it"
        )


def _end(counts: Counter[Kind]) -> Document:
    return {f"n_{kind}s": counts[kind] for kind in COUNTED}
