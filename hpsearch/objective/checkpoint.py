"""What an objective asks its worker, and waits for: to keep a checkpoint, to return one, whether to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pickle import PickleBuffer
from typing import Any

#: The largest checkpoint, in bytes. Each is held in the memory of the worker while it is written.
MAX_CHECKPOINT_BYTES = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where an interrupted trial goes on."""

    step: float  #: as passed to ``checkpoint``
    data: bytes | None = field(default=None, repr=False)  #: as passed to ``checkpoint``; None if a path was
    path: str | None = None  #: likewise

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a channel send the bytes without a copy."""
        return _checkpoint, (self.step, None if self.data is None else PickleBuffer(self.data), self.path)


@dataclass(frozen=True, slots=True)
class SaveCheckpoint:
    """Keep a checkpoint. The answer is whether it is stored."""

    step: float
    data: bytes | bytearray | memoryview | None = field(default=None, repr=False)  #: contiguous
    path: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a channel send the bytes without a copy."""
        data = None if self.data is None else PickleBuffer(self.data)
        return SaveCheckpoint, (self.step, data, self.path)


@dataclass(frozen=True, slots=True)
class LoadCheckpoint:
    """Return the last checkpoint of earlier attempts. The answer is a ``Checkpoint`` or None."""


@dataclass(frozen=True, slots=True)
class ShouldStop:
    """Decide whether the trial should stop after its reports so far. The answer is the reason, or None."""


#: What an objective may ask.
Question = SaveCheckpoint | LoadCheckpoint | ShouldStop


def _checkpoint(step: float, data: Any, path: str | None) -> Checkpoint:
    return Checkpoint(step=step, data=None if data is None else bytes(data), path=path)
