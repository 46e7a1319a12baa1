"""The attachments of one experiment in memory, and of its trials; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from hpsearch.store.rules import replaced_attempts


@dataclass(frozen=True, slots=True)
class MemoryAttachment:
    """One attachment."""

    name: str
    attempt: int  #: the attempt that made it, or 0
    data: bytes


@dataclass(slots=True)
class MemoryAttachments:
    """Attachments in the order in which they were written."""

    #: by trial; None holds those of the experiment
    pins: defaultdict[int | None, list[MemoryAttachment]] = field(default_factory=lambda: defaultdict(list))

    def pin(self, tid: int | None, new: MemoryAttachment) -> None:
        """Add an attachment in place of the older ones that it replaces."""
        first, last = replaced_attempts(new.attempt)

        def is_replaced(old: MemoryAttachment) -> bool:
            return old.name == new.name and first <= old.attempt and (last is None or old.attempt <= last)

        self.pins[tid] = [*(old for old in self.pins[tid] if not is_replaced(old)), new]

    def unpin(self, tid: int | None, name: str) -> None:
        """Remove an attachment, whichever attempt made it."""
        kept = [old for old in self.pins.pop(tid, ()) if old.name != name]
        if kept:
            self.pins[tid] = kept

    def shown(self, tid: int | None, attempts: Collection[int]) -> dict[str, bytes]:
        """Return what these attempts attached, by name; the last write of a name counts."""
        return {pin.name: pin.data for pin in self.pins.get(tid, ()) if pin.attempt in attempts}
