"""Checkpoints on MongoDB (guarantee 16 of ``protocol.py``): a file first, then the pointer in the trial."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from pymongo.collection import Collection

from hpsearch.core.trial import Trial
from hpsearch.errors import LeaseLostError, NotFoundError
from hpsearch.store.checks import CHECKPOINT_PREFIX, Content, checked_content, no_checkpoint_message
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.documents.trial import checkpoint_document
from hpsearch.store.mongo import gridfs, queries
from hpsearch.store.mongo.attachments import Attachments
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.gridfs import Place
from hpsearch.store.mongo.reading import read


class Checkpoints:
    """The checkpoints of all trials of one database.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    trials : Collection
        The trials of all experiments.
    attachments : Attachments
        Their files.
    """

    def __init__(
        self, connection: Connection, trials: Collection[Document], attachments: Attachments
    ) -> None:
        self._call = connection.call
        self._trials = trials
        self._attachments = attachments

    def save(self, trial: Trial, step: float, data: Content | None, path: str | None) -> None:
        """Store a checkpoint as ``TrialStore.save_checkpoint`` does.

        Parameters
        ----------
        trial : Trial
            As it was claimed.
        step : float
            The step that it reached.
        data : bytes or None
            The content.
        path : str or None
            Where the content is, if it is not stored here.
        """
        file, n_bytes = None, 0
        if data is not None:
            # A new name for each write: the pointer names one that is complete, or the one before.
            file = CHECKPOINT_PREFIX + secrets.token_hex(8)
            content = memoryview(checked_content(file, data))
            n_bytes = content.nbytes
            self._attachments.write(trial.exp_key, trial.tid, {file: content}, trial.attempt)
        update = queries.point_at(checkpoint_document(step, file, path, n_bytes))
        if self._call(self._trials.update_one, queries.held(trial), update).matched_count == 0:
            if file is not None:
                self._attachments.drop(gridfs.at(Place(exp_key=trial.exp_key, tid=trial.tid, name=file)))
            raise LeaseLostError(trial.id)
        self._attachments.drop(gridfs.other_checkpoints(trial, file))

    def load(self, trial: Trial) -> bytes:
        """Return the content of a trial's checkpoint.

        Parameters
        ----------
        trial : Trial
            As it was claimed.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        if trial.checkpoint is None or trial.checkpoint.file is None:
            raise NotFoundError(no_checkpoint_message(trial.id))
        place = Place(exp_key=trial.exp_key, tid=trial.tid, name=trial.checkpoint.file)
        return self._attachments.read(place, range(trial.attempt + 1))

    def sweep(self, exp_key: str, tids: Iterable[int] | None) -> None:
        """Delete the files of final trials.

        Parameters
        ----------
        exp_key : str
            Name of the experiment.
        tids : iterable of int or None
            Numbers of the trials, None for all; those that are not final keep their files.
        """
        if tids is None:
            tids = self._attachments.tids_of(gridfs.of_checkpoints(exp_key))
        final = queries.settled(exp_key, sorted(tids))
        for document in self._call(read, self._trials, final, fields={"tid": 1}):
            self._attachments.drop(gridfs.checkpoints(exp_key, document["tid"]))
