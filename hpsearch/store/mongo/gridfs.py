"""Attachments as GridFS documents, and every filter and update of them.

A file is in one of three states, so that the remains of a killed process can be found:
*uploading* until all its chunks are written, then *stored*, and *dropped* before the first of
its chunks is deleted. Only stored files are visible.

``version`` orders the writes of one name, independent of clocks: a writer sets it one higher
than the highest that it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.core.trial import Trial, trial_id
from hpsearch.store.checks import CHECKPOINT_PREFIX, replaced_attempts
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo.queries import NOW, Filter, Pipeline

#: Bytes of one chunk, GridFS's default, and chunks in one call. A megabyte needs 1 Mbit/s to be written
#: within the 8 s that a call may take; a call that took longer would be repeated forever.
CHUNK_BYTES = 255 * 1024
CHUNKS_A_CALL = 4

#: Files begun or completed in one call.
FILES_A_CALL = 500

#: Matches the names of files with checkpoints.
_IS_CHECKPOINT = {
    "$gte": CHECKPOINT_PREFIX,
    "$lt": CHECKPOINT_PREFIX[:-1] + chr(ord(CHECKPOINT_PREFIX[-1]) + 1),
}

UPLOADING, STORED, DROPPED = "uploading", "stored", "dropped"

#: The latest write first; the identifier decides between two of the same version.
LATEST_FIRST = [("metadata.version", -1), ("_id", -1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An attachment: the experiment or trial to which it belongs, and its name."""

    exp_key: str
    tid: int | None  #: the trial, or None for the experiment itself
    name: str

    @property
    def path(self) -> str:
        """The file name in GridFS tools."""
        owner = self.exp_key if self.tid is None else trial_id(self.exp_key, self.tid)
        return f"{owner}/{self.name}"


def file_document(file_id: Any, place: Place, attempt: int, version: int, n_bytes: int) -> Document:
    """Return the document of a new file, without the date, which the server sets.

    Parameters
    ----------
    file_id : any
        New identifier.
    place : Place
        The attachment.
    attempt : int
        The attempt that made it; 0 for none.
    version : int
        One higher than that of any older file of the attachment.
    n_bytes : int
        Its size.
    """
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
    """Yield the chunks of files, given as (identifier, content), in lists for one call each."""
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
    """Match all files of an attachment, in any state and of any attempt."""
    return {**_of(place.exp_key, place.tid), "metadata.name": place.name}


def of_names(exp_key: str, tid: int | None, names: Iterable[str]) -> Filter:
    """Match all files with some names, in any state and of any attempt.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    tid : int or None
        Number of the trial; None for attachments of the experiment.
    names : iterable of str
        Names of the attachments.
    """
    return {**_of(exp_key, tid), "metadata.name": {"$in": list(names)}}


def of_experiment(exp_key: str) -> Filter:
    """Match all files of an experiment and its trials."""
    return {"metadata.exp_key": exp_key}


def visible(exp_key: str, tid: int | None, attempts: Sequence[int]) -> Filter:
    """Match the stored files of some attempts.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    tid : int or None
        Number of the trial; None for attachments of the experiment.
    attempts : sequence of int
        The attempts.
    """
    return {
        **_of(exp_key, tid),
        "metadata.attempt": {"$in": list(attempts)},
        "metadata.state": STORED,
    }


def visible_at(place: Place, attempts: Sequence[int]) -> Filter:
    """Match the stored files of some attempts for one attachment.

    Parameters
    ----------
    place : Place
        The attachment.
    attempts : sequence of int
        The attempts.
    """
    return {**visible(place.exp_key, place.tid, attempts), "metadata.name": place.name}


def replaced_by(file: Mapping[str, Any], place: Place) -> Filter:
    """Match the older files that a new one replaces; concurrent writers agree on which is older.

    Parameters
    ----------
    file : mapping
        Document of the new file.
    place : Place
        The attachment.
    """
    version = file["metadata"]["version"]
    first, last = replaced_attempts(file["metadata"]["attempt"])
    attempts = {"$gte": first} if last is None else {"$gte": first, "$lte": last}
    older = [
        {"metadata.version": {"$lt": version}},
        {"metadata.version": version, "_id": {"$lt": file["_id"]}},
    ]
    return {**at(place), "metadata.attempt": attempts, "$or": older}


def of_checkpoints(exp_key: str) -> Filter:
    """Match all files with checkpoints of an experiment."""
    return {"metadata.exp_key": exp_key, "metadata.name": _IS_CHECKPOINT}


def checkpoints(exp_key: str, tid: int) -> Filter:
    """Match all files with checkpoints of a trial.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    tid : int
        Number of the trial.
    """
    return {**_of(exp_key, tid), "metadata.name": _IS_CHECKPOINT}


def other_checkpoints(trial: Trial, file: str | None) -> Filter:
    """Match the files of a trial with checkpoints of this and earlier attempts, except for one.

    Parameters
    ----------
    trial : Trial
        As it was claimed. A later attempt may be writing its own files.
    file : str or None
        Name of the file to keep.
    """
    name = {**_IS_CHECKPOINT, "$ne": file}
    attempts = {"metadata.attempt": {"$lte": trial.attempt}}
    return {**_of(trial.exp_key, trial.tid), "metadata.name": name, **attempts}


def these(file_ids: Iterable[Any]) -> Filter:
    """Match files by identifier."""
    return {"_id": {"$in": list(file_ids)}}


def not_dropped(file_ids: Iterable[Any]) -> Filter:
    """Match files by identifier, except those that are being deleted."""
    return {**these(file_ids), "metadata.state": {"$ne": DROPPED}}


def chunks(file_id: Any, first: int) -> Filter:
    """Match the chunks for one call.

    Parameters
    ----------
    file_id : any
        Identifier of the file.
    first : int
        Number of the first chunk.
    """
    return {"files_id": file_id, "n": {"$gte": first, "$lt": first + CHUNKS_A_CALL}}


# Updates


def begin(file: Mapping[str, Any]) -> Pipeline:
    """Write the document of a file, in an upsert; an existing one stays as it is."""
    is_new = {"$eq": [{"$type": "$metadata"}, "missing"]}
    new = {"$mergeObjects": [{"$literal": file}, {"uploadDate": NOW}]}
    return [{"$replaceWith": {"$cond": [is_new, new, "$$ROOT"]}}]


def complete() -> Pipeline:
    """Mark files as stored, once all their chunks are written."""
    return [{"$set": {"metadata.state": STORED, "uploadDate": NOW}}]


def drop() -> Pipeline:
    """Mark files for deletion, before their chunks are deleted."""
    return [{"$set": {"metadata.state": DROPPED}}]


def _of(exp_key: str, tid: int | None) -> Filter:
    return {"metadata.exp_key": exp_key, "metadata.tid": tid}
