"""What stands in a backup, in which order, and what changes when it is restored; pure.

A backup is a sequence of records, one a line: a header, then for each experiment its
document, its trials by number, and its attachments, each followed by its chunks; at last
an end, which tells how many of each there were, so that what was cut short is noticed.

Trials are read before attachments: whatever a trial that is finished in the backup attached
was stored before it was finished, and so is in the backup, too.
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
from hpsearch.store.documents.migration import SCHEMA, Document
from hpsearch.store.documents.trial import trial_from

#: Version of the sequence of records; that of the documents is ``SCHEMA``.
FORMAT = 1

#: Why an attempt ended that ran when the backup was made.
RESTORED = "restored from a backup"


class Kind(StrEnum):
    """What a record is."""

    HEADER = "hpsearch-backup"
    EXPERIMENT = "experiment"
    TRIAL = "trial"
    FILE = "file"
    CHUNK = "chunk"
    END = "end"


#: What the end counts.
COUNTED = (Kind.EXPERIMENT, Kind.TRIAL, Kind.FILE, Kind.CHUNK)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a backup."""

    kind: Kind
    document: Document


@dataclass(slots=True)
class Contents:
    """What was met in a backup so far."""

    n_trials: dict[str, int] = field(default_factory=dict)  #: by experiment, in their order
    counts: Counter[Kind] = field(default_factory=Counter)  #: records of each kind


def header(now: datetime, n_trials: Mapping[str, int]) -> Record:
    """Return the first record.

    Parameters
    ----------
    now : datetime
        When the backup begins, store time.
    n_trials : mapping of str to int
        Trials of each experiment at that time; more may be suggested while it is made.
    """
    experiments = [{"exp_key": key, "n_trials": n} for key, n in n_trials.items()]
    document = {"format": FORMAT, "schema": SCHEMA, "created_at": now, "experiments": experiments}
    return Record(Kind.HEADER, document)


def with_end(records: Iterable[Record], counts: Counter[Kind]) -> Iterator[Record]:
    """Yield the records, and at last the one that counts them; ``counts`` is filled on the way."""
    for record in records:
        counts[record.kind] += 1
        yield record
    yield Record(Kind.END, _told(counts))


def check(records: Iterable[Record]) -> Contents:
    """Read a whole backup, and return what is in it.

    Raises
    ------
    BackupError
        At the first line that is damaged or out of place; if the backup was cut short, or
        made by a newer hpsearch.
    """
    found = Contents()
    follow = _Follower()
    n_lines, last = 0, None
    for n_lines, record in enumerate(records, start=1):
        if last is Kind.END:
            raise damaged(n_lines, "it stands after the end")
        if (record.kind is Kind.HEADER) != (n_lines == 1):
            raise damaged(n_lines, "a backup has its header in the first line, and there alone")
        if record.kind is Kind.HEADER:
            _check_version(record.document)
        elif record.kind is Kind.END:
            follow.finish_file(n_lines)
            _check_counts(record.document, found.counts, n_lines)
        else:
            _check_place(record, follow, n_lines)
            found.counts[record.kind] += 1
            _count_trial(record, found, n_lines)
        last = record.kind
    if last is not Kind.END:
        raise BackupError(
            f"The backup was cut short: it ends after line {n_lines}, "
            "without the line that counts the others."
        )
    return found


def of_experiments(records: Iterable[Record], wanted: Collection[str]) -> Iterator[Record]:
    """Yield the records of some experiments out of a backup that was checked."""
    is_wanted = False
    for record in records:
        if record.kind is Kind.EXPERIMENT:
            is_wanted = record.document["_id"] in wanted
        if is_wanted and record.kind in COUNTED:
            yield record


def as_restored(record: Record, now: datetime) -> Document:
    """Return the document that a record is restored as: itself, but for what somebody was at work on.

    A trial that ran waits again, its attempt uncounted. It keeps its token, as after an expired
    lease: should its worker be alive, and deliver before another claims the trial, that counts.
    Of an experiment, nobody is the coordinator.
    """
    document = record.document
    if record.kind is Kind.EXPERIMENT and "coordinator" in document:
        return {**document, "coordinator": {**document["coordinator"], "owner": None, "lease_until": None}}
    if record.kind is Kind.TRIAL and document["state"] == State.RUNNING.value:
        worker = (document.get("worker") or {}).get("name")
        ended = {"attempt": document["attempt"], "worker": worker, "ended_at": now, "why": RESTORED}
        waiting = {key: value for key, value in document.items() if key != "lease_until"}
        history = [*document.get("history", ()), ended]
        return {**waiting, "state": State.PENDING.value, "history": history}
    return document


def damaged(n_line: int, why: str) -> BackupError:
    """Return the error about a line, by its number from 1 on."""
    return BackupError(f"Line {n_line} of the backup is damaged: {why}.")


@dataclass(slots=True)
class _Follower:
    """The experiment and the attachment that the next lines belong to."""

    exp_key: str | None = None
    file: Mapping[str, Any] | None = None
    n_chunks: int = 0
    n_bytes: int = 0

    def take_file(self, file: Mapping[str, Any] | None) -> None:
        """Begin an attachment."""
        self.file, self.n_chunks, self.n_bytes = file, 0, 0

    def finish_file(self, n_line: int) -> None:
        """Raise ``BackupError`` if the attachment lacks bytes."""
        if self.file is not None and self.n_bytes != self.file["length"]:
            name = named(self.file.get("filename"))
            raise damaged(n_line, f"a chunk of the attachment {name} is missing before it")


def _check_version(document: Document) -> None:
    try:
        fields = Fields(document, "The header")
        form, schema = fields.integer("format", least=1), fields.integer("schema", least=1)
    except UnreadableError as error:
        raise damaged(1, str(error)) from error
    if form > FORMAT or schema > SCHEMA:
        raise BackupError(
            f"The backup has the layout {schema} (format {form}) of a newer hpsearch; this one reads up "
            f"to {SCHEMA} (format {FORMAT}): upgrade hpsearch on this machine."
        )


def _check_place(record: Record, follow: _Follower, n_line: int) -> None:
    """Check that a record belongs to what came before it, and that it can be read."""
    document = record.document
    if record.kind is not Kind.CHUNK:
        follow.finish_file(n_line)
    try:
        match record.kind:
            case Kind.EXPERIMENT:
                follow.exp_key = experiment_from(document).exp_key
                follow.take_file(None)
                is_here = True
            case Kind.TRIAL:
                is_here = trial_from(document).exp_key == follow.exp_key
            case Kind.FILE:
                follow.take_file(document)
                is_here = document["metadata"]["exp_key"] == follow.exp_key
                Fields(document, "It").integer("length", least=0)
            case _:
                is_here = follow.file is not None and _is_next(document, follow)
    except (KeyError, TypeError, ValueError, AttributeError, StoreError) as error:
        raise damaged(n_line, f"it holds no {record.kind} that can be read ({error})") from error
    if not is_here:
        raise damaged(n_line, f"this {record.kind} does not belong to what stands before it")


def _is_next(chunk: Document, follow: _Follower) -> bool:
    """Whether a chunk continues its attachment; counts it."""
    n, file = follow.n_chunks, follow.file or {}
    follow.n_chunks, follow.n_bytes = n + 1, follow.n_bytes + len(chunk["data"])
    is_next = chunk["files_id"] == file["_id"] and chunk["n"] == n
    return bool(is_next and isinstance(chunk["data"], bytes))


def _count_trial(record: Record, found: Contents, n_line: int) -> None:
    if record.kind is Kind.EXPERIMENT:
        if record.document["_id"] in found.n_trials:
            raise damaged(n_line, f"the experiment {record.document['_id']!r} is there twice")
        found.n_trials[record.document["_id"]] = 0
    elif record.kind is Kind.TRIAL:
        found.n_trials[record.document["exp_key"]] += 1


def _check_counts(told: Document, counts: Counter[Kind], n_line: int) -> None:
    if told != _told(counts):
        raise damaged(
            n_line, f"it counts {named(told)}, but there are {_told(counts)}: lines are missing before it"
        )


def _told(counts: Counter[Kind]) -> Document:
    return {f"n_{kind}s": counts[kind] for kind in COUNTED}
