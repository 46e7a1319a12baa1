"""How much room searches take, as values; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSize:
    """What one search takes, by the sizes of its documents."""

    exp_key: str
    trials: int  #: documents
    trial_bytes: int  #: of all of them together
    largest_bytes: int  #: of the largest; MongoDB holds up to 16 MB
    attachments: int
    attachment_bytes: int

    @property
    def bytes_per_trial(self) -> float | None:
        """Mean size of a trial's document; None without trials."""
        return self.trial_bytes / self.trials if self.trials else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSize:
    """What one collection takes on the server's disk; None where the user may not see it."""

    collection: str
    documents: int
    disk_bytes: int | None  #: of documents, compressed
    index_bytes: Mapping[str, int] | None  #: by index
