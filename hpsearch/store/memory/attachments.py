"""The attachments of one experiment and of its trials in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from hpsearch.store.rules import replaced_attempts


@dataclass(frozen=True, slots=True)
class MemoryAttachment:
    """One attachment."""

    name: str
    attempt: int  #: number of the attempt that wrote it; 0 if no trial's attempt did
    data: bytes


@dataclass(slots=True)
class MemoryAttachments:
    """Attachments in the order of writing."""

    #: by tid; None is the key of the experiment's own
    by_trial: defaultdict[int | None, list[MemoryAttachment]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, tid: int | None, new: MemoryAttachment) -> None:
        """Add an attachment, and remove the older ones that it replaces."""
        first, last = replaced_attempts(new.attempt)

        def is_replaced(old: MemoryAttachment) -> bool:
            return old.name == new.name and first <= old.attempt and (last is None or old.attempt <= last)

        self.by_trial[tid] = [*(old for old in self.by_trial[tid] if not is_replaced(old)), new]

    def remove(self, tid: int | None, name: str) -> None:
        """Remove the attachments of a name, of every attempt."""
        kept = [old for old in self.by_trial.pop(tid, ()) if old.name != name]
        if kept:
            self.by_trial[tid] = kept

    def visible(self, tid: int | None, attempts: Collection[int]) -> dict[str, bytes]:
        """Return the content that some attempts attached, by name; of equal names the last one written."""
        return {one.name: one.data for one in self.by_trial.get(tid, ()) if one.attempt in attempts}
