"""Measurements of processes, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Contact of a process with its database."""

    age_s: float  #: seconds since the last response
    n_reconnects: int  #: outages that have ended
    refused_s: float | None = None  #: seconds since the database first refused the user; None: it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A cumulative histogram of durations."""

    bounds_s: tuple[float, ...]  #: upper bounds in seconds, ascending, without the infinite one
    counts: tuple[int, ...]  #: durations up to each bound; the last count is of all
    sum_s: float  #: total seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Measurements of a coordinator, in addition to the progress of its search."""

    is_leader: bool
    queue_target: int  #: pending trials that the workers need at present
    n_suggested: int  #: trials suggested
    n_expired: int  #: leases of vanished workers that it has expired
    suggesting: Histogram  #: durations of batches of suggestions
    lag: Histogram  #: time from the end of a trial to reading it
