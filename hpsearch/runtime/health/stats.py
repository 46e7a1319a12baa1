"""What processes measure of themselves, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A process and its database."""

    age_s: float  #: seconds since the database last answered
    n_reconnects: int  #: how often it was away and came back
    refused_s: float | None = None  #: seconds since it began to refuse the user; None while it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often something took how long."""

    bounds_s: tuple[float, ...]  #: upper bounds in seconds, ascending; another one is infinite
    counts: tuple[int, ...]  #: for each bound, and at last the infinite one: how many took no longer
    sum_s: float  #: seconds in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """A coordinator, beside what it knows of its search."""

    is_leader: bool
    queue_target: int  #: pending trials that the workers need at present
    n_suggested: int  #: trials that it suggested
    n_expired: int  #: leases that it took from workers that had vanished
    suggesting: Histogram  #: of each batch of suggestions, from asking to having them
    lag: Histogram  #: from the end of a trial to reading it
