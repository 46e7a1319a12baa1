"""Reading experiments from MongoDB as backup records, and writing them back."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Self

from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from hpsearch.errors import BackupError, UnreadableError
from hpsearch.runtime.events import Event
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.documents.trial import trial_from
from hpsearch.store.mongo import gridfs
from hpsearch.store.mongo.attachments import read_chunks
from hpsearch.store.mongo.backup_records import Kind, Record, as_restored
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import prepare_database
from hpsearch.store.mongo.reading import insert_missing, pages, read
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
                self._call(insert_missing, self._database[_COLLECTIONS[kind]], batch)
        if unfinished is not None:
            yield self._write_experiment(unfinished)

    def _write_experiment(self, experiment: Document) -> str:
        self._call(insert_missing, self._experiments, [experiment])
        return str(experiment["_id"])

    def _read_trials(self, exp_key: str) -> Iterator[Record]:
        numbered = {"exp_key": exp_key, "tid": {"$gte": 0}}
        yield from map(_trial_record, pages(self._connection, self._trials, numbered, "tid"))
        # Trials with corrupt numbers, which paging by number would miss.
        misnumbered = {"exp_key": exp_key, "tid": {"$not": {"$gte": 0}}}
        yield from map(_trial_record, self._call(read, self._trials, misnumbered))

    def _read_files(self, exp_key: str) -> Iterator[Record]:
        """Yield the attachments with their chunks.

        If one is replaced before its chunks are read, the files are listed again to find its replacement.
        """
        stored = {**gridfs.of_experiment(exp_key), "metadata.state": gridfs.STORED}
        seen: set[Any] = set()
        missing: set[Any] = set()
        is_complete = False
        while not is_complete:
            is_complete = True
            for file in self._call(read, self._files, stored, sort=[("_id", 1)]):
                if file["_id"] in missing:
                    log.warning(
                        "attachment %s is not in the backup: some of its chunks are missing",
                        file["filename"],
                        extra=Event.ATTACHMENT_INCOMPLETE.of(exp_key=exp_key, name=file["filename"]),
                    )
                if file["_id"] in seen:
                    continue
                seen.add(file["_id"])
                chunks = read_chunks(self._call, self._chunks, file)
                if chunks is None:
                    missing.add(file["_id"])
                    is_complete = False
                    continue
                yield Record(Kind.FILE, file)
                yield from (Record(Kind.CHUNK, chunk) for chunk in chunks)


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
