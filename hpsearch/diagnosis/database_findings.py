"""Checks the state of a database: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.diagnosis.finding import Finding, ok, problem, warning
from hpsearch.store.mongo.database_state import DatabaseState, DocumentCount, Topology

#: Seconds between the clocks of this machine and the server from which the dates in logs mislead.
_MAX_SKEW_S = 1.0

#: A disk with less free space is low: so many bytes, or this share of the disk if that is more.
_LOW_BYTES, _LOW_SHARE = 1024**3, 0.05

#: States of healthy members of a replica set, as MongoDB names them.
_HEALTHY_STATES = {"PRIMARY", "SECONDARY", "ARBITER"}

_UNKNOWN = "unknown: this user may not see it, or the server takes too long"

_CUT_SHORT = "left by an interrupted deletion or restore"

#: Documents that should not exist as they are: the field of the report, the name of the finding, its text if
#: there are none, its text, and the advice.
_ORPHANS = (
    ("newer", "newer experiments", "none", "written by a newer hpsearch", "upgrade hpsearch on this machine"),
    (
        "orphan_trials",
        "trials without experiment",
        "none",
        _CUT_SHORT,
        "repeat `hpsearch delete` with the part of its name before the slash",
    ),
    (
        "orphan_files",
        "attachments without experiment",
        "none",
        _CUT_SHORT,
        "repeat `hpsearch delete` with the metadata.exp_key of the file",
    ),
    (
        "broken_uploads",
        "uploads cut short",
        "none",
        "left by workers that died",
        "nothing to do: they are deleted with their experiment",
    ),
    (
        "overdue",
        "overdue trials",
        "none",
        "marked as running, but their lease ended more than a minute ago",
        "start the coordinator of their search, which gives them to other workers",
    ),
    (
        "long_leases",
        "leases",
        "none ends later than its own length from now",
        "its lease ends later than its own length from now, so the server's clock was set back",
        "synchronize the server with a time server; coordinators and workers shorten such a lease",
    ),
    (
        "leaderless",
        "searches without coordinator",
        "none that workers wait for",
        "running, and idle workers serve it, but it has had no coordinator for a minute",
        "start it again with hpsearch run or hpsearch coordinator, or end it with hpsearch stop",
    ),
)


def database_findings(condition: DatabaseState) -> list[Finding]:
    """Return the findings about a database, the servers first, the documents last."""
    return [
        _server(condition),
        _topology(condition),
        _write_concern(condition),
        _clock(condition),
        _encryption(condition),
        _authentication(condition),
        _preparation(condition),
        _extra_indexes(condition),
        _rights(condition),
        _disk(condition),
        *_documents(condition),
    ]


def _server(found: DatabaseState) -> Finding:
    text = f"MongoDB {found.version} at {found.hosts}, database {found.database}"
    if found.compatibility is None or found.version.startswith(f"{found.compatibility}."):
        return ok("server", text)
    return warning(
        "server",
        f"{text}, with data of MongoDB {found.compatibility}",
        "complete the upgrade with setFeatureCompatibilityVersion once you will not downgrade",
    )


def _topology(found: DatabaseState) -> Finding:
    name = "topology"
    if found.topology is Topology.STANDALONE:
        return warning(
            name,
            "a standalone server: hpsearch polls for changes, and one disk holds all results",
            "start it with --replSet and run rs.initiate(), even for a single member",
        )
    if found.topology is Topology.SHARDED:
        return ok(name, "a sharded cluster")
    unhealthy = [f"{m.name} is {m.state}" for m in found.members or () if m.state not in _HEALTHY_STATES]
    if unhealthy:
        return problem(
            name, f"a replica set of {found.n_members}: {', '.join(unhealthy)}", "look into its log"
        )
    members = "member" if found.n_members == 1 else "members"
    unseen = "" if found.members else ", whose states this user may not see"
    return ok(name, f"a replica set of {found.n_members} {members}{unseen}")


def _write_concern(found: DatabaseState) -> Finding:
    concern = found.write_concern
    text = ", ".join(f"{name}={value}" for name, value in sorted(concern.items()))
    if found.topology is Topology.STANDALONE or (concern.get("w") == "majority" and concern.get("j", True)):
        return ok("write concern", text)
    return warning(
        "write concern",
        f"{text}, from the URI: a failover may lose acknowledged results",
        "leave w and journal out of the URI: hpsearch writes with w=majority, journal=true",
    )


def _clock(found: DatabaseState) -> Finding:
    ahead, error = found.clock.ahead_s, found.clock.error_s
    side = "ahead of" if ahead >= 0 else "behind"
    if abs(ahead) - error <= _MAX_SKEW_S:
        return ok("clock", f"this machine and the server differ by {abs(ahead):.3f} s")
    return warning(
        "clock",
        f"this machine is {abs(ahead):.1f} s {side} the server; leases and documents use the server's "
        "clock, logs use this one",
        "synchronize both with a time server (chrony, systemd-timesyncd)",
    )


def _encryption(found: DatabaseState) -> Finding:
    if found.is_encrypted and found.unverified:
        options = ", ".join(found.unverified)
        finding = warning if found.is_local else problem
        return finding(
            "encryption",
            f"TLS, but with {options} in the URI it accepts any server",
            f"leave {options} out; tlsCAFile=ca.pem names the authority of the server's certificate",
        )
    if found.is_encrypted:
        return ok("encryption", "TLS")
    if found.is_local:
        return ok("encryption", "none, but the server is on this machine")
    return problem(
        "encryption",
        "none: results and objectives cross the network as plain text",
        "give the servers certificates, and add tls=true to the URI",
    )


def _authentication(found: DatabaseState) -> Finding:
    name = "authentication"
    who = f"user {found.user}" if found.user else "no user"
    if found.is_open and found.is_local:
        return warning(
            name,
            "the server lets in every user of this machine without a password",
            "start it with --auth or --keyFile, and create users with: hpsearch db init --users",
        )
    if found.is_open:
        return problem(
            name,
            "the server lets anyone in without a password, who can then choose what workers run",
            "start it with --auth or --keyFile, and create users with: hpsearch db init --users",
        )
    unknown = "; unknown whether it requires a password" if found.is_open is None else ""
    return ok(name, f"{who}{unknown}")


def _preparation(found: DatabaseState) -> Finding:
    name = "preparation"
    if found.missing is None:
        return ok(name, _UNKNOWN)
    if not found.missing:
        return ok(name, "all collections, validators and indexes exist")
    return problem(
        name,
        f"missing or different: {', '.join(found.missing)}",
        "ask an administrator to run: hpsearch db init",
    )


def _extra_indexes(found: DatabaseState) -> Finding:
    name = "other indexes"
    if found.extra_indexes is None:
        return ok(name, _UNKNOWN)
    if not found.extra_indexes:
        return ok(name, "none")
    return warning(
        name, f"{', '.join(found.extra_indexes)}: each slows every write", "drop those that are not needed"
    )


def _rights(found: DatabaseState) -> Finding:
    able = [role for role, missing in found.missing_rights.items() if not missing]
    if able:
        return ok("rights", f"enough for {', '.join(able)}")
    role, missing = min(found.missing_rights.items(), key=lambda item: len(item[1]))
    return problem(
        "rights",
        f"not enough for any role; {role} lacks {', '.join(missing)}",
        "connect as a user that `hpsearch db init --users` creates",
    )


def _disk(found: DatabaseState) -> Finding:
    if found.disk is None:
        return ok("disk", _UNKNOWN)
    free, total = found.disk.free_bytes, found.disk.total_bytes
    text = f"{free / 1024**3:.1f} of {total / 1024**3:.1f} GiB free"
    if free >= max(_LOW_BYTES, _LOW_SHARE * total):
        return ok("disk", text)
    return warning("disk", text, "free some space: MongoDB stops when its disk is full, and searches wait")


def _documents(found: DatabaseState) -> Iterator[Finding]:
    for collection, invalid in found.orphans.invalid.items():
        yield _count(
            f"documents of {collection}",
            invalid,
            none="all valid",
            text="edited by hand, or damaged",
            advice=f"look at it with db[{collection!r}].find({{_id: ...}}), and fix or delete it",
            is_problem=True,
        )
    for field, name, none, text, advice in _ORPHANS:
        yield _count(
            name,
            getattr(found.orphans, field),
            none=none,
            text=text,
            advice=advice,
            is_problem=field == "newer",
        )


def _count(
    name: str, count: DocumentCount | None, *, none: str, text: str, advice: str, is_problem: bool = False
) -> Finding:
    if count is None:
        return ok(name, _UNKNOWN)
    if count.n == 0:
        return ok(name, none)
    finding = problem if is_problem else warning
    return finding(name, f"{count.n}, such as {count.example}: {text}", advice)
