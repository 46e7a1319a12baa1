"""Reading the jobs that Hyperopt's MongoTrials stored in MongoDB."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Self

from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from gridfs import GridFS
from gridfs.errors import NoFile
from pymongo.collection import Collection
from pymongo.database import Database

from hpsearch.errors import NotFoundError
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.hyperopt_uri import JobsAddress
from hpsearch.store.mongo.patience import Patience

#: Reads a date outside Python's range as a number, so that it does not block the other jobs.
_ANY_DATE: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


class MongoJobSource:
    """A collection of jobs, with their attachments in the GridFS bucket ``fs``.

    Implements ``hpsearch.hyperopt.migration.job_import.JobSource``.

    Parameters
    ----------
    connection : Connection
        To the server.
    address : JobsAddress
        The collection.

    Raises
    ------
    NotFoundError
        If there are no jobs.
    """

    def __init__(self, connection: Connection, address: JobsAddress) -> None:
        self._connection = connection
        self._call = connection.call
        self._database: Database[Document] = connection.client.get_default_database("hyperopt")
        self._jobs: Collection[Document] = self._database[address.collection].with_options(_ANY_DATE)
        if self._call(self._jobs.find_one, {}, {"_id": 1}) is None:
            raise NotFoundError(
                f"There are no jobs in the collection {address.collection!r} of the database "
                f"{self._database.name!r} at {connection.hosts}."
            )

    @classmethod
    def connect(cls, address: JobsAddress, patience: Patience) -> Self:
        """Connect to a server; raises as ``MongoStore.connect`` does.

        Parameters
        ----------
        address : JobsAddress
            The server and the collection.
        patience : Patience
            How long to repeat a call while MongoDB is away.
        """
        return cls(Connection(address.uri, patience), address)

    def exp_keys(self) -> list[Any]:
        """Return the keys of the experiments; None stands for jobs without one."""
        return self._call(self._jobs.distinct, "exp_key")

    def jobs(self, exp_key: Any) -> list[Document]:
        """Return the job documents of an experiment by number, older ones first among equals."""
        found = self._call(lambda: list(self._jobs.find({"exp_key": {"$eq": exp_key}})))
        return sorted(found, key=_order)

    def attachments(self, job: Document) -> Iterator[tuple[str, bytes | None]]:
        """Yield the attachments of a job by name; None for those that are listed but missing."""
        listed = job.get("_attachments") or []
        for entry in listed if isinstance(listed, list) else [listed]:
            match entry:
                case [str(name), file_id]:
                    yield name, self._call(self._read_file, file_id)
                case _:
                    yield str(entry), None

    def close(self) -> None:
        """Close connections."""
        self._connection.close()

    def _read_file(self, file_id: ObjectId) -> bytes | None:
        try:
            content: bytes = GridFS(self._database).get(file_id).read()
        except NoFile:
            return None
        return content


def _order(job: Document) -> tuple[float, str]:
    """Sort key: the number; corrupt jobs without one come last."""
    tid = job.get("tid")
    return (tid if isinstance(tid, int | float) else math.inf, str(job["_id"]))
