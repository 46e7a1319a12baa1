"""Attachments in the store as a mapping from names to bytes."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from hpsearch.core.trial import OUTPUT_NAME
from hpsearch.errors import NotFoundError
from hpsearch.store.protocol import TrialStore


class StoreAttachments(MutableMapping[str, bytes]):
    """The attachments of an experiment, or of one of its trials.

    Parameters
    ----------
    store : TrialStore
        The store that holds them.
    exp_key : str
        Name of the experiment.
    tid : int, optional
        Number of the trial; None for the attachments of the experiment.
    """

    def __init__(self, store: TrialStore, exp_key: str, tid: int | None = None) -> None:
        self._store, self._exp_key, self._tid = store, exp_key, tid

    def __getitem__(self, name: str) -> bytes:
        try:
            return self._store.attachment(self._exp_key, name, tid=self._tid)
        except NotFoundError as error:
            raise KeyError(name) from error

    def __setitem__(self, name: str, data: bytes) -> None:
        self._store.attach(self._exp_key, name, data, tid=self._tid)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._store.detach(self._exp_key, name, tid=self._tid)

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        names = self._store.attachments(self._exp_key, tid=self._tid)
        return [name for name in names if name != OUTPUT_NAME]
