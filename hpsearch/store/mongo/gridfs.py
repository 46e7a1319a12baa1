"""Attachments as documents of GridFS, and every filter and update of them; pure.

A file is in one of three states, so that whatever a process that was killed leaves behind
can be found: it is *uploading* until all its chunks are there, *stored* from then on, and
*dropped* before the first of its chunks is deleted. Only stored files show.

Which of two writes of a name is the later one is told by ``version``, which a writer sets
one above all that it finds: clocks are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.core.trial import trial_id
from hpsearch.store.documents.migration import Document
from hpsearch.store.mongo.queries import NOW, Filter, Pipeline
from hpsearch.store.rules import replaced_attempts

#: Bytes of one chunk, GridFS's own choice; and chunks in one call, so that it stays within its time limit:
#: a megabyte needs 1 Mbit/s for the 8 s that a call may take, or it would be repeated for ever.
CHUNK_BYTES = 255 * 1024
CHUNKS_A_CALL = 4

#: Files that one call begins or completes.
FILES_A_CALL = 500

UPLOADING, STORED, DROPPED = "uploading", "stored", "dropped"

#: The latest write first; of two at the same time, any, but everywhere the same.
LATEST_FIRST = [("metadata.version", -1), ("_id", -1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an attachment belongs."""

    exp_key: str
    tid: int | None  #: the trial, or None for the experiment itself
    name: str

    @property
    def path(self) -> str:
        """The name of the file, as GridFS's own tools list it."""
        owner = self.exp_key if self.tid is None else trial_id(self.exp_key, self.tid)
        return f"{owner}/{self.name}"


def file_document(file_id: Any, place: Place, attempt: int, version: int, n_bytes: int) -> Document:
    """Return the document of a new file, without its date, which is the store's."""
    return {
        "_id": file_id,
        "filename": place.path,
        "length": n_bytes,
        "chunkSize": CHUNK_BYTES,
        "metadata": {
            "exp_key": place.exp_key,
            "tid": place.tid,
            "name": place.name,
            "attempt": attempt,
            "version": version,
            "state": UPLOADING,
        },
    }


def chunk_documents(contents: Iterable[tuple[Any, memoryview]]) -> Iterator[list[Document]]:
    """Yield the chunks of some files, by their identifiers: together those that one call writes."""
    call: list[Document] = []
    n_bytes = 0
    for file_id, data in contents:
        for n in range(-(-len(data) // CHUNK_BYTES)):
            chunk = data[n * CHUNK_BYTES : (n + 1) * CHUNK_BYTES]
            if n_bytes + len(chunk) > CHUNK_BYTES * CHUNKS_A_CALL or len(call) == FILES_A_CALL:
                yield call
                call, n_bytes = [], 0
            call.append({"files_id": file_id, "n": n, "data": bytes(chunk)})
            n_bytes += len(chunk)
    if call:
        yield call


# Filters


def at(place: Place) -> Filter:
    """All files of one place, whatever their state and attempt."""
    return {**_of(place.exp_key, place.tid), "metadata.name": place.name}


def of_names(exp_key: str, tid: int | None, names: Iterable[str]) -> Filter:
    """All files of some names of one trial, or of the experiment, whatever their state and attempt."""
    return {**_of(exp_key, tid), "metadata.name": {"$in": list(names)}}


def of_experiment(exp_key: str) -> Filter:
    """All files of an experiment and of its trials."""
    return {"metadata.exp_key": exp_key}


def shown(exp_key: str, tid: int | None, attempts: Sequence[int]) -> Filter:
    """The files that these attempts stored beside a trial, or beside the experiment."""
    return {
        **_of(exp_key, tid),
        "metadata.attempt": {"$in": list(attempts)},
        "metadata.state": STORED,
    }


def shown_at(place: Place, attempts: Sequence[int]) -> Filter:
    """Those of one name."""
    return {**shown(place.exp_key, place.tid, attempts), "metadata.name": place.name}


def replaced_by(file: Mapping[str, Any], place: Place) -> Filter:
    """The older files that a new one replaces; two writers at once agree on which is the older."""
    version, first_last = file["metadata"]["version"], replaced_attempts(file["metadata"]["attempt"])
    first, last = first_last
    attempts = {"$gte": first} if last is None else {"$gte": first, "$lte": last}
    older = [
        {"metadata.version": {"$lt": version}},
        {"metadata.version": version, "_id": {"$lt": file["_id"]}},
    ]
    return {**at(place), "metadata.attempt": attempts, "$or": older}


def these(file_ids: Iterable[Any]) -> Filter:
    """Some files."""
    return {"_id": {"$in": list(file_ids)}}


def not_dropped(file_ids: Iterable[Any]) -> Filter:
    """Some files, but for those that are being deleted."""
    return {**these(file_ids), "metadata.state": {"$ne": DROPPED}}


def chunks(file_id: Any, first: int) -> Filter:
    """The chunks that one call reads, from the number ``first`` on."""
    return {"files_id": file_id, "n": {"$gte": first, "$lt": first + CHUNKS_A_CALL}}


# Updates


def begin(file: Mapping[str, Any]) -> Pipeline:
    """Write the document of a file if it is not there; for an upsert."""
    is_new = {"$eq": [{"$type": "$metadata"}, "missing"]}
    new = {"$mergeObjects": [{"$literal": file}, {"uploadDate": NOW}]}
    return [{"$replaceWith": {"$cond": [is_new, new, "$$ROOT"]}}]


def complete() -> Pipeline:
    """All chunks are there."""
    return [{"$set": {"metadata.state": STORED, "uploadDate": NOW}}]


def drop() -> Pipeline:
    """No chunk need be there any more."""
    return [{"$set": {"metadata.state": DROPPED}}]


def _of(exp_key: str, tid: int | None) -> Filter:
    return {"metadata.exp_key": exp_key, "metadata.tid": tid}
