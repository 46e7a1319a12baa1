"""Attachments on MongoDB, in the layout of GridFS, so that its tools can read them.

The driver's ``gridfs`` is not used: it creates indexes on the first write, for which workers have
no right, its uploads cannot be repeated after a lost answer, and it cannot replace a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from hpsearch.errors import NotFoundError, UnreadableError
from hpsearch.runtime.escaping import named
from hpsearch.store.checks import CHECKPOINT_PREFIX, Content, check_size, no_attachment_message
from hpsearch.store.documents.fields import Fields
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo import gridfs
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.gridfs import Place
from hpsearch.store.mongo.queries import Filter
from hpsearch.store.mongo.reading import insert_missing, read
from hpsearch.store.mongo.schema import CHUNKS, FILES

T = TypeVar("T")

#: The fields of a file that have its name and version.
_NAMES = {"filename": 1, "metadata": 1}

#: Files deleted in one call.
_PAGE = 100


class Attachments:
    """The files of one database.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    database : Database
        The database.
    """

    def __init__(self, connection: Connection, database: Database[Document]) -> None:
        self._call = connection.call
        self._files: Collection[Document] = database[FILES]
        self._chunks: Collection[Document] = database[CHUNKS]

    def write(self, exp_key: str, tid: int | None, contents: Mapping[str, Content], attempt: int) -> None:
        """Store attachments, then delete the older ones that they replace.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tid : int or None
            Number of the trial; None for attachments of the experiment.
        contents : mapping of str to bytes
            Content by name.
        attempt : int
            The attempt that made them; 0 for none.
        """
        for batch in _batched(contents.items(), gridfs.FILES_A_CALL):
            self._write(exp_key, tid, {name: memoryview(data).cast("B") for name, data in batch}, attempt)

    def read(self, place: Place, attempts: Sequence[int], max_bytes: int | None = None) -> bytes:
        """Return the content of the latest file of an attachment.

        Parameters
        ----------
        place : Place
            The attachment.
        attempts : sequence of int
            The attempts whose files are visible.
        max_bytes : int, optional
            Largest size to fetch; by default any.

        Raises
        ------
        NotFoundError
            If there is none.
        TooLargeError
            If it is larger than ``max_bytes``.
        UnreadableError
            If it is corrupt.
        """
        wanted = gridfs.visible_at(place, attempts)
        incomplete_id, has_missed = None, False
        while True:
            file = self._call(self._files.find_one, wanted, sort=gridfs.LATEST_FIRST)
            if file is None:
                if has_missed:
                    raise NotFoundError(no_attachment_message(place.exp_key, place.name, place.tid))
                has_missed = True  # a query may miss a file that is replaced meanwhile, and its successor
                continue
            n_bytes = _fields(file).integer("length", least=0)
            check_size(place.exp_key, place.name, n_bytes, max_bytes)
            chunks = read_chunks(self._call, self._chunks, file)
            if chunks is not None:
                return b"".join(chunk["data"] for chunk in chunks)
            # If it was replaced while it was read, the next query finds the new file.
            if file["_id"] == incomplete_id:
                raise UnreadableError(
                    f"The attachment {place.path} is corrupt: some of its chunks are missing, or its length "
                    "was edited; attach it again."
                )
            incomplete_id = file["_id"]

    def names(self, exp_key: str, tid: int | None, attempts: Sequence[int]) -> list[str]:
        """Return the names of the visible attachments, sorted.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tid : int or None
            Number of the trial; None for attachments of the experiment.
        attempts : sequence of int
            The attempts whose files are visible.
        """
        wanted = gridfs.visible(exp_key, tid, attempts)
        names = self._call(self._files.distinct, "metadata.name", wanted)
        return sorted(n for n in names if isinstance(n, str) and not n.startswith(CHECKPOINT_PREFIX))

    def count(self, wanted: Filter) -> int:
        """Return the number of files that match a filter."""
        return self._call(self._files.count_documents, wanted)

    def tids_of(self, wanted: Filter) -> list[int]:
        """Return the numbers of the trials that have files which match a filter."""
        tids = self._call(self._files.distinct, "metadata.tid", wanted)
        return [tid for tid in tids if isinstance(tid, int)]

    def drop(self, wanted: Filter) -> int:
        """Delete the files that match a filter, with their chunks; return how many."""
        found = [file["_id"] for file in self._call(read, self._files, wanted, fields={"_id": 1})]
        for start in range(0, len(found), _PAGE):
            self._delete(found[start : start + _PAGE])
        return len(found)

    def _write(self, exp_key: str, tid: int | None, contents: Mapping[str, memoryview], attempt: int) -> None:
        latest = self._latest_versions(gridfs.of_names(exp_key, tid, contents))
        new = {}
        for name, data in contents.items():
            place, version = Place(exp_key=exp_key, tid=tid, name=name), latest.get(name, 0) + 1
            new[name] = gridfs.file_document(ObjectId(), place, attempt, version, len(data))
        self._call(self._begin, list(new.values()))
        for chunks in gridfs.chunk_documents((new[name]["_id"], data) for name, data in contents.items()):
            self._call(insert_missing, self._chunks, chunks)
        ids = [file["_id"] for file in new.values()]
        stored = self._call(self._files.update_many, gridfs.not_dropped(ids), gridfs.complete())
        if stored.matched_count < len(ids):  # some were replaced or deleted in the meantime
            present = {
                file["_id"]
                for file in self._call(read, self._files, gridfs.not_dropped(ids), fields={"_id": 1})
            }
            self._delete([file_id for file_id in ids if file_id not in present])
            new = {name: file for name, file in new.items() if file["_id"] in present}
        self._drop_replaced(exp_key, tid, new)

    def _latest_versions(self, wanted: Filter) -> dict[str, int]:
        """Return the highest version by name."""
        latest: dict[str, int] = {}
        for file in self._call(read, self._files, wanted, fields=_NAMES):
            name = file["metadata"]["name"]
            version = _fields(file).part("metadata").count("version")
            latest[name] = max(latest.get(name, 0), version)
        return latest

    def _drop_replaced(self, exp_key: str, tid: int | None, new: Mapping[str, Document]) -> None:
        """Delete older files of the same names."""
        found = self._call(read, self._files, gridfs.of_names(exp_key, tid, new), fields=_NAMES)
        counts = Counter(file["metadata"]["name"] for file in found)
        for name in (name for name, n_files in counts.items() if n_files > 1):
            self.drop(gridfs.replaced_by(new[name], Place(exp_key=exp_key, tid=tid, name=name)))

    def _begin(self, new: Sequence[Document]) -> None:
        writes = [UpdateOne({"_id": file["_id"]}, gridfs.begin(file), upsert=True) for file in new]
        self._files.bulk_write(writes, ordered=False)

    def _delete(self, file_ids: list[Any]) -> None:
        """Delete files, their documents last, which allow an interrupted deletion to be completed."""
        self._call(self._files.update_many, gridfs.these(file_ids), gridfs.drop())
        self._call(self._chunks.delete_many, {"files_id": {"$in": file_ids}})
        self._call(self._files.delete_many, gridfs.these(file_ids))


def read_chunks(
    call: Callable[..., list[Document]], collection: Collection[Document], file: Document
) -> list[Document] | None:
    """Return the chunks of a file in order, or None if it is incomplete.

    Parameters
    ----------
    call : callable
        Calls a function of the driver, as ``Connection.call`` does.
    collection : Collection
        The chunks of all files.
    file : mapping
        Document of the file.
    """
    chunks: list[Document] = []
    n_bytes = 0
    fields = _fields(file)
    length, chunk_bytes = fields.integer("length", least=0), fields.integer("chunkSize", least=1)
    for first in range(0, -(-length // chunk_bytes), gridfs.CHUNKS_A_CALL):
        found = call(read, collection, gridfs.chunks(file["_id"], first), sort=[("n", 1)])
        if not found or not all(isinstance(chunk.get("data"), bytes) for chunk in found):
            return None
        n_bytes += sum(len(chunk["data"]) for chunk in found)
        if n_bytes > length:  # the stored length may be wrong, too
            return None
        chunks += found
    return chunks if n_bytes == length else None


def _fields(file: Document) -> Fields:
    return Fields(file, f"Attachment {named(file.get('filename'))}")


def _batched(items: Iterable[T], n: int) -> Iterator[list[T]]:
    """Yield lists of ``n`` items, as ``itertools.batched`` of Python 3.12 does."""
    rest = iter(items)
    while batch := list(islice(rest, n)):
        yield batch
