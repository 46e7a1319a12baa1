"""In what condition a database is, as values; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Topology(StrEnum):
    """How the servers of a MongoDB stand to each other."""

    STANDALONE = "a standalone server"
    REPLICA_SET = "a replica set"
    SHARDED = "a sharded cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One server of a replica set."""

    name: str  #: host and port
    state: str  #: in MongoDB's words: "PRIMARY", "SECONDARY", "(not reachable/healthy)", ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How the clock of this machine stands to the server's."""

    ahead_s: float  #: seconds by which this machine is ahead; negative when it is behind
    error_s: float  #: half the time that the answer took: the difference is known no better


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system that the server's data are on."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCount:
    """Documents of a kind: how many, and one of them."""

    n: int
    example: str | None = None  #: the ``_id`` of one, when there are any


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanReport:
    """Documents that should not be as they are; None where the user may not look, or it takes too long."""

    invalid: Mapping[str, DocumentCount | None]  #: by collection: those that break its schema
    newer: DocumentCount | None  #: experiments that a newer hpsearch wrote
    ownerless_trials: DocumentCount | None  #: trials whose experiment is gone
    ownerless_files: DocumentCount | None  #: attachments whose experiment is gone
    broken_uploads: DocumentCount | None  #: attachments whose writer died more than an hour ago
    overdue: DocumentCount | None  #: running trials whose lease ended more than a minute ago
    far_leases: DocumentCount | None  #: leases that end later than their own length from now
    waited_for: DocumentCount | None  #: experiments with idle workers, not led for a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What was found; None stands for what the user may not see."""

    hosts: str  #: as the URI names them
    database: str
    version: str  #: of the server
    compatibility: str | None  #: the version whose features the data may use
    topology: Topology
    members: tuple[Member, ...] | None  #: of a replica set
    n_members: int  #: that hold data, by what the server tells everybody
    write_concern: Mapping[str, Any]  #: with which results are written, in MongoDB's words
    clock: Clock
    is_local: bool  #: whether all servers have loopback addresses
    is_encrypted: bool  #: whether the connection uses TLS
    unverified: tuple[str, ...]  #: options of the URI by which TLS accepts servers that prove nothing
    user: str | None  #: None for a connection without a name
    is_open: bool | None  #: whether whoever connects without a name may read the trials
    lacking: tuple[str, ...] | None  #: collections, validators and indexes that are missing, in words
    superfluous: tuple[str, ...] | None  #: indexes that are not hpsearch's
    missing_rights: Mapping[str, tuple[str, ...]]  #: by role: "action on collection" that the user lacks
    disk: Disk | None
    strays: OrphanReport
