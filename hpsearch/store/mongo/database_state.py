"""The state of a database, as values that ``hpsearch db check`` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Topology(StrEnum):
    """How the servers of a MongoDB are connected."""

    STANDALONE = "a standalone server"
    REPLICA_SET = "a replica set"
    SHARDED = "a sharded cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One server of a replica set."""

    name: str  #: host and port
    state: str  #: as MongoDB names it: "PRIMARY", "SECONDARY", "(not reachable/healthy)", ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The difference between the clocks of this machine and of the server."""

    ahead_s: float  #: seconds by which this machine is ahead; negative when it is behind
    error_s: float  #: half the round-trip time, which bounds the error of the difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system of the server's data."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCount:
    """How many documents of a kind there are, and an example."""

    n: int
    example: str | None = None  #: the ``_id`` of one of them


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanReport:
    """Documents that need attention; None where the user may not look, or the look takes too long."""

    invalid: Mapping[str, DocumentCount | None]  #: by collection: those that violate its schema
    newer: DocumentCount | None  #: experiments that a newer hpsearch wrote
    orphan_trials: DocumentCount | None  #: trials without their experiment
    orphan_files: DocumentCount | None  #: attachments without their experiment
    broken_uploads: DocumentCount | None  #: attachments begun more than an hour ago and never completed
    overdue: DocumentCount | None  #: running trials whose lease expired more than a minute ago
    long_leases: DocumentCount | None  #: leases that end later than their own length from now
    leaderless: DocumentCount | None  #: experiments with idle workers, not led for a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """What an inspection found; None stands for what the user may not see."""

    hosts: str  #: as in the URI
    database: str
    version: str  #: version of the server
    compatibility: str | None  #: MongoDB's feature compatibility version
    topology: Topology
    members: tuple[Member, ...] | None  #: of a replica set
    n_members: int  #: members that hold data, as the server announces
    write_concern: Mapping[str, Any]  #: of results, as MongoDB names it
    clock: Clock
    is_local: bool  #: whether all servers have loopback addresses
    is_encrypted: bool  #: whether the connection uses TLS
    unverified: tuple[str, ...]  #: options of the URI that make TLS accept unverified servers
    user: str | None  #: None for a connection without credentials
    is_open: bool | None  #: whether the trials can be read without credentials
    missing: tuple[str, ...] | None  #: missing or different collections, validators and indexes, as text
    extra_indexes: tuple[str, ...] | None  #: indexes that hpsearch does not use
    missing_rights: Mapping[str, tuple[str, ...]]  #: by role: each "action on collection" that the user lacks
    disk: Disk | None
    orphans: OrphanReport
