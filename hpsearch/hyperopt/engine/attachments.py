"""The attachments of one trial: named blobs that are kept apart from its document."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


def prefix(tid: Any) -> str:
    """Return what the keys of a trial's attachments begin with."""
    return f"ATTACH::{tid}::"


class TrialAttachments(MutableMapping[str, Any]):
    """The attachments of one trial, over the dict that holds those of all trials."""

    def __init__(self, all_attachments: MutableMapping[str, Any], tid: Any) -> None:
        self._all = all_attachments
        self._prefix = prefix(tid)

    def __getitem__(self, name: str) -> Any:
        return self._all[self._prefix + name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._all[self._prefix + name] = value

    def __delitem__(self, name: str) -> None:
        del self._all[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(self._prefix) for key in self._all if key.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)
