"""Attachments on MongoDB: GridFS, written and read in calls that can each be repeated.

The driver's own ``gridfs`` is not used: it creates indexes on the first write, which workers have
no right to, an upload of its cannot be repeated when an answer was lost, and replacing a
file is not in it. The layout is GridFS's, so that its tools read what is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from hpsearch.errors import NotFoundError, UnreadableError
from hpsearch.runtime.escaping import named
from hpsearch.store.documents.fields import Fields
from hpsearch.store.documents.migration import Document
from hpsearch.store.mongo import gridfs
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.errors import DUPLICATE_KEY
from hpsearch.store.mongo.gridfs import Place
from hpsearch.store.mongo.queries import Filter
from hpsearch.store.mongo.schema import CHUNKS, FILES
from hpsearch.store.rules import Content, check_size, no_attachment

T = TypeVar("T")

#: Files that one call deletes.
_PAGE = 100


class Attachments:
    """The files of one database."""

    def __init__(self, connection: Connection, database: Database[Document]) -> None:
        self._call = connection.call
        self._files: Collection[Document] = database[FILES]
        self._chunks: Collection[Document] = database[CHUNKS]

    def write(self, exp_key: str, tid: int | None, contents: Mapping[str, Content], attempt: int) -> None:
        """Store files by name, then delete the older ones that they replace."""
        for batch in _batched(contents.items(), gridfs.FILES_A_CALL):
            self._write(exp_key, tid, {name: memoryview(data).cast("B") for name, data in batch}, attempt)

    def read(self, place: Place, attempts: Sequence[int], max_bytes: int | None = None) -> bytes:
        """Return the latest file of a place.

        Raises
        ------
        NotFoundError
            If there is none.
        TooLargeError
            If it takes more than ``max_bytes``.
        UnreadableError
            If it is damaged.
        """
        wanted = gridfs.shown_at(place, attempts)
        tried = None
        while True:
            file = self._call(self._files.find_one, wanted, sort=gridfs.LATEST_FIRST)
            if file is None:
                raise NotFoundError(no_attachment(place.exp_key, place.name, place.tid))
            n_bytes = _fields(file).integer("length", least=0)
            check_size(place.exp_key, place.name, n_bytes, max_bytes)
            data = self._read_chunks(file)
            if data is not None:
                return data
            # Replaced while it was read: the next look finds what took its place.
            if file["_id"] == tried:
                raise UnreadableError(
                    f"The attachment {place.path} is damaged: some of its chunks are missing, or somebody "
                    "altered its length; attach it anew."
                )
            tried = file["_id"]

    def names(self, exp_key: str, tid: int | None, attempts: Sequence[int]) -> list[str]:
        """Return the names of the files that show, sorted."""
        wanted = gridfs.shown(exp_key, tid, attempts)
        names = self._call(self._files.distinct, "metadata.name", wanted)
        return sorted(name for name in names if isinstance(name, str))

    def count(self, wanted: Filter) -> int:
        """Return how many files there are."""
        return self._call(self._files.count_documents, wanted)

    def drop(self, wanted: Filter) -> int:
        """Delete files with their chunks; return how many."""
        found = [file["_id"] for file in self._call(self._find_ids, wanted)]
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
            self._call(self._write_chunks, chunks)
        ids = [file["_id"] for file in new.values()]
        stored = self._call(self._files.update_many, gridfs.not_dropped(ids), gridfs.complete())
        if stored.matched_count < len(ids):  # somebody replaced or deleted some meanwhile
            present = {file["_id"] for file in self._call(self._find_ids, gridfs.not_dropped(ids))}
            self._delete([file_id for file_id in ids if file_id not in present])
            new = {name: file for name, file in new.items() if file["_id"] in present}
        self._drop_replaced(exp_key, tid, new)

    def _latest_versions(self, wanted: Filter) -> dict[str, int]:
        """Return the highest version of each name."""
        latest: dict[str, int] = {}
        for file in self._call(self._find_names, wanted):
            name = file["metadata"]["name"]
            version = _fields(file).part("metadata").count("version")
            latest[name] = max(latest.get(name, 0), version)
        return latest

    def _drop_replaced(self, exp_key: str, tid: int | None, new: Mapping[str, Document]) -> None:
        """Delete the older files of names under which there is more than the new one."""
        found = self._call(self._find_names, gridfs.of_names(exp_key, tid, new))
        counts = Counter(file["metadata"]["name"] for file in found)
        for name in (name for name, n_files in counts.items() if n_files > 1):
            self.drop(gridfs.replaced_by(new[name], Place(exp_key=exp_key, tid=tid, name=name)))

    def _begin(self, new: Sequence[Document]) -> None:
        writes = [UpdateOne({"_id": file["_id"]}, gridfs.begin(file), upsert=True) for file in new]
        self._files.bulk_write(writes, ordered=False)

    def _find_names(self, wanted: Filter) -> list[Document]:
        return list(self._files.find(wanted, {"filename": 1, "metadata": 1}))

    def _delete(self, file_ids: list[Any]) -> None:
        """Delete files, their documents last: should this be cut short, they say what is left to delete."""
        self._call(self._files.update_many, gridfs.these(file_ids), gridfs.drop())
        self._call(self._chunks.delete_many, {"files_id": {"$in": file_ids}})
        self._call(self._files.delete_many, gridfs.these(file_ids))

    def _find_ids(self, wanted: Filter) -> list[Document]:
        return list(self._files.find(wanted, {"_id": 1}))

    def _write_chunks(self, chunks: list[Document]) -> None:
        """Write some chunks; those that are there already came from an attempt whose answer was lost."""
        try:
            self._chunks.insert_many(chunks, ordered=False)
        except BulkWriteError as error:
            refused = error.details["writeErrors"]
            if error.details.get("writeConcernErrors") or any(e["code"] != DUPLICATE_KEY for e in refused):
                raise

    def _read_chunks(self, file: Document) -> bytes | None:
        """Return the content of a file, or None when it is not all there."""
        parts: list[bytes] = []
        n_bytes = 0
        fields = _fields(file)
        length, chunk_bytes = fields.integer("length", least=0), fields.integer("chunkSize", least=1)
        for first in range(0, -(-length // chunk_bytes), gridfs.CHUNKS_A_CALL):
            found = [chunk.get("data") for chunk in self._call(self._find_chunks, file["_id"], first)]
            content = [data for data in found if isinstance(data, bytes)]
            n_bytes += sum(map(len, content))
            # The length is not to be relied on, either: there may be nothing, or more than it says.
            if not content or n_bytes > length:
                return None
            parts += content
        data = b"".join(parts)
        return data if len(data) == length else None

    def _find_chunks(self, file_id: Any, first: int) -> list[Document]:
        return list(self._chunks.find(gridfs.chunks(file_id, first), sort=[("n", 1)]))


def _fields(file: Document) -> Fields:
    return Fields(file, f"Attachment {named(file.get('filename'))}")


def _batched(items: Iterable[T], n: int) -> Iterator[list[T]]:
    """Yield items, so many at a time; ``itertools`` has it from Python 3.12 on."""
    rest = iter(items)
    while batch := list(islice(rest, n)):
        yield batch
