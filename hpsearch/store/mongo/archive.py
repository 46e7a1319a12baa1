"""Reading experiments from MongoDB as backup records, and writing them back."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Self

from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from hpsearch.errors import BackupError, UnreadableError
from hpsearch.runtime.escaping import named
from hpsearch.runtime.events import Event
from hpsearch.store.documents.fields import Fields
from hpsearch.store.documents.migration import Document
from hpsearch.store.documents.trial import trial_from
from hpsearch.store.mongo import gridfs
from hpsearch.store.mongo.backup import Kind, Record, as_restored
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.errors import DUPLICATE_KEY
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import prepare_database
from hpsearch.store.mongo.schema import CHUNKS, EXPERIMENTS, FILES, TRIALS

log = logging.getLogger(__name__)

#: Documents in one call, except chunks of a quarter of a megabyte.
_PAGE = 500
_CHUNKS_A_CALL = gridfs.CHUNKS_A_CALL

_COLLECTIONS = {Kind.TRIAL: TRIALS, Kind.FILE: FILES, Kind.CHUNK: CHUNKS}


class Archive:
    """Reads and writes whole experiments as documents."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._call = connection.call
        name = connection.client.get_default_database(DATABASE).name
        # As in the store: reads from the primary, which a fail-over cannot roll back.
        self._database = connection.client.get_database(
            name, read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("majority")
        )
        self._experiments: Collection[Document] = self._database[EXPERIMENTS]
        self._trials: Collection[Document] = self._database[TRIALS]
        self._files: Collection[Document] = self._database[FILES]
        self._chunks: Collection[Document] = self._database[CHUNKS]

    @classmethod
    def connect(cls, uri: str, patience: Patience) -> Self:
        """Connect to a MongoDB; raises as ``MongoStore.connect`` does.

        Parameters
        ----------
        uri : str
            Any MongoDB URI.
        patience : Patience
            How long to repeat a call while MongoDB is away.
        """
        return cls(Connection(uri, patience))

    def close(self) -> None:
        """Close connections."""
        self._connection.close()

    def read(self, exp_keys: Sequence[str]) -> Iterator[Record]:
        """Yield the records of experiments, except those deleted in the meantime."""
        for exp_key in exp_keys:
            experiment = self._call(self._experiments.find_one, {"_id": exp_key})
            if experiment is not None:
                yield Record(Kind.EXPERIMENT, experiment)
                yield from self._read_trials(exp_key)
                yield from self._read_files(exp_key)

    def check_free(self, exp_keys: Iterable[str]) -> None:
        """Raise ``BackupError`` if anything is stored under one of the names."""
        for exp_key in exp_keys:
            owners = (
                (self._experiments, {"_id": exp_key}),
                (self._trials, {"exp_key": exp_key}),
                (self._files, gridfs.of_experiment(exp_key)),
            )
            if any(self._call(collection.find_one, mine, {"_id": 1}) for collection, mine in owners):
                raise BackupError(
                    f"{exp_key!r} exists in this database and is not overwritten: restore into "
                    f"another database, or delete it first with: hpsearch delete {shlex.quote(exp_key)}"
                )

    def write(self, records: Iterable[Record], now: datetime) -> Iterator[str]:
        """Restore experiments; yield the name of each once it is complete.

        The experiment's own document is written last, so that no one works on a partly restored
        experiment; ``delete_experiment`` removes it.

        Parameters
        ----------
        records : iterable of Record
            Records of experiments that the database does not contain.
        now : datetime
            Store time, for the history of trials.
        """
        prepare_database(self._connection, self._database)
        unfinished: Document | None = None
        for kind, group in groupby(records, key=lambda record: record.kind):
            documents = (as_restored(record, now) for record in group)
            if kind is Kind.EXPERIMENT:
                for experiment in documents:
                    if unfinished is not None:
                        yield self._write_experiment(unfinished)
                    unfinished = experiment
                continue
            size = _CHUNKS_A_CALL if kind is Kind.CHUNK else _PAGE
            while batch := list(islice(documents, size)):
                self._call(_insert, self._database[_COLLECTIONS[kind]], batch)
        if unfinished is not None:
            yield self._write_experiment(unfinished)

    def _write_experiment(self, experiment: Document) -> str:
        self._call(_insert, self._experiments, [experiment])
        return str(experiment["_id"])

    def _read_trials(self, exp_key: str) -> Iterator[Record]:
        last = -1
        while page := self._call(self._find_trials, exp_key, last):
            yield from map(_trial_record, page)
            last = page[-1]["tid"]
        yield from map(_trial_record, self._call(self._find_misnumbered, exp_key))

    def _find_trials(self, exp_key: str, last: int) -> list[Document]:
        following = {"exp_key": exp_key, "tid": {"$gt": last}}
        return list(self._trials.find(following, sort=[("tid", 1)], limit=_PAGE, batch_size=_PAGE))

    def _find_misnumbered(self, exp_key: str) -> list[Document]:
        """Return the trials with corrupt numbers, which paging by number misses."""
        return list(self._trials.find({"exp_key": exp_key, "tid": {"$not": {"$gte": 0}}}))

    def _read_files(self, exp_key: str) -> Iterator[Record]:
        """Yield the attachments with their chunks.

        If one is replaced before its chunks are read, the files are listed again to find its replacement.
        """
        seen: set[Any] = set()
        missing: set[Any] = set()
        is_complete = False
        while not is_complete:
            is_complete = True
            for file in self._call(self._find_files, exp_key):
                if file["_id"] in missing:
                    log.warning(
                        "attachment %s is not in the backup: some of its chunks are missing",
                        file["filename"],
                        extra=Event.ATTACHMENT_INCOMPLETE.of(exp_key=exp_key, name=file["filename"]),
                    )
                if file["_id"] in seen:
                    continue
                seen.add(file["_id"])
                chunks = self._read_chunks(file)
                if chunks is None:
                    missing.add(file["_id"])
                    is_complete = False
                    continue
                yield Record(Kind.FILE, file)
                yield from (Record(Kind.CHUNK, chunk) for chunk in chunks)

    def _find_files(self, exp_key: str) -> list[Document]:
        stored = {**gridfs.of_experiment(exp_key), "metadata.state": gridfs.STORED}
        return list(self._files.find(stored, sort=[("_id", 1)]))

    def _read_chunks(self, file: Mapping[str, Any]) -> list[Document] | None:
        """Return the chunks of a file, or None if it is incomplete."""
        chunks: list[Document] = []
        fields = Fields(file, f"Attachment {named(file.get('filename'))}")
        length, chunk_bytes = fields.integer("length", least=0), fields.integer("chunkSize", least=1)
        for first in range(0, -(-length // chunk_bytes), _CHUNKS_A_CALL):
            found = self._call(self._find_chunks, file["_id"], first)
            if not found:
                return None
            chunks += found
        is_whole = all(isinstance(chunk.get("data"), bytes) for chunk in chunks)
        return chunks if is_whole and sum(len(chunk["data"]) for chunk in chunks) == length else None

    def _find_chunks(self, file_id: Any, first: int) -> list[Document]:
        return list(self._chunks.find(gridfs.chunks(file_id, first), sort=[("n", 1)]))


def _trial_record(document: Document) -> Record:
    """Return the record of a trial; log it if it cannot be read."""
    record = Record(Kind.TRIAL, document)
    try:
        trial_from(document)
    except UnreadableError as error:
        problem = str(error)
    else:
        return record
    text = "%s A backup with it cannot be restored before its line is corrected."
    log.error(text, problem, extra=Event.BACKUP_UNREADABLE.of())
    return record


def _insert(collection: Collection[Document], documents: list[Document]) -> None:
    """Insert documents; ignore those that an earlier call inserted whose answer was lost."""
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        refused = error.details["writeErrors"]
        if error.details.get("writeConcernErrors") or any(e["code"] != DUPLICATE_KEY for e in refused):
            raise
