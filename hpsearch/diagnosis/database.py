"""What is thought of the condition of a database; pure."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.diagnosis.finding import Finding, ok, problem, warning
from hpsearch.store.mongo.database_state import Condition, DocumentCount, Topology

#: Seconds between the clocks of a machine and the server beyond which dates in logs mislead.
_MAX_SKEW_S = 1.0

#: Room on the server's disk that is little: so many bytes, or that share of the whole, if it is more.
_FEW_BYTES, _FEW_SHARE = 1024**3, 0.05

#: What members of a replica set are while nothing is wrong, in MongoDB's words.
_HEALTHY_STATES = {"PRIMARY", "SECONDARY", "ARBITER"}
_UNSEEN = "not known: this user may not see it, or it takes the server too long"


def judge(condition: Condition) -> list[Finding]:
    """Return what was found, the servers first, the documents last."""
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


def _server(found: Condition) -> Finding:
    text = f"MongoDB {found.version} at {found.hosts}, database {found.database}"
    if found.compatibility is None or found.version.startswith(f"{found.compatibility}."):
        return ok("server", text)
    return warning(
        "server",
        f"{text}, with data of MongoDB {found.compatibility}",
        "complete the upgrade with setFeatureCompatibilityVersion once you need no way back",
    )


def _topology(found: Condition) -> Finding:
    name = "topology"
    if found.topology is Topology.STANDALONE:
        return warning(
            name,
            "a standalone server: hpsearch polls for changes, and results are as safe as one disk",
            "start it with --replSet and run rs.initiate() there, even for one member",
        )
    if found.topology is Topology.SHARDED:
        return ok(name, "a sharded cluster")
    ill = [f"{m.name} is {m.state}" for m in found.members or () if m.state not in _HEALTHY_STATES]
    if ill:
        return problem(
            name, f"a replica set of {found.n_members}: {', '.join(ill)}", "look into the log of that server"
        )
    members = "member" if found.n_members == 1 else "members"
    seen = "" if found.members else ", whose states this user may not see"
    return ok(name, f"a replica set of {found.n_members} {members}{seen}")


def _write_concern(found: Condition) -> Finding:
    concern = found.write_concern
    text = ", ".join(f"{name}={value}" for name, value in sorted(concern.items()))
    if found.topology is Topology.STANDALONE or (concern.get("w") == "majority" and concern.get("j", True)):
        return ok("write concern", text)
    return warning(
        "write concern",
        f"{text}, from the URI: a fail-over may take back results that were acknowledged",
        "leave w and journal out of the URI: hpsearch writes with w=majority, journal=true",
    )


def _clock(found: Condition) -> Finding:
    ahead, error = found.clock.ahead_s, found.clock.error_s
    side = "ahead of" if ahead >= 0 else "behind"
    if abs(ahead) - error <= _MAX_SKEW_S:
        return ok("clock", f"this machine and the server differ by {abs(ahead):.3f} s")
    return warning(
        "clock",
        f"this machine is {abs(ahead):.1f} s {side} the server; leases and documents go by the server's "
        "clock, but the dates of logs do not",
        "have both follow a time server (chrony, systemd-timesyncd)",
    )


def _encryption(found: Condition) -> Finding:
    if found.is_encrypted and found.unverified:
        options = ", ".join(found.unverified)
        judged = warning if found.is_local else problem
        return judged(
            "encryption",
            f"TLS, but {options} in the URI accepts whoever answers in the place of the server",
            f"leave {options} out; tlsCAFile=ca.pem names the authority that signed the server's certificate",
        )
    if found.is_encrypted:
        return ok("encryption", "TLS")
    if found.is_local:
        return ok("encryption", "none, within this machine")
    return problem(
        "encryption",
        "none: results, and whatever runs on workers, pass the network as plain text",
        "give the servers certificates, and the URI tls=true",
    )


def _authentication(found: Condition) -> Finding:
    name = "authentication"
    who = f"user {found.user}" if found.user else "no user"
    if found.is_open and found.is_local:
        return warning(
            name,
            "the server lets in everybody on this machine without a name",
            "start it with --auth or --keyFile, and make users with: hpsearch db init --users",
        )
    if found.is_open:
        return problem(
            name,
            "the server lets everybody in without a name, who can then have workers run what they like",
            "start it with --auth or --keyFile, and make users with: hpsearch db init --users",
        )
    unknown = "; whether it lets others in without a name is not known" if found.is_open is None else ""
    return ok(name, f"{who}{unknown}")


def _preparation(found: Condition) -> Finding:
    name = "preparation"
    if found.lacking is None:
        return ok(name, _UNSEEN)
    if not found.lacking:
        return ok(name, "all collections, validators and indexes are there")
    return problem(
        name,
        f"missing, or not as they should be: {', '.join(found.lacking)}",
        "let an administrator run: hpsearch db init",
    )


def _extra_indexes(found: Condition) -> Finding:
    name = "other indexes"
    if found.superfluous is None:
        return ok(name, _UNSEEN)
    if not found.superfluous:
        return ok(name, "none")
    return warning(
        name, f"{', '.join(found.superfluous)}: each slows every write", "drop those that nobody needs"
    )


def _rights(found: Condition) -> Finding:
    able = [role for role, missing in found.missing_rights.items() if not missing]
    if able:
        return ok("rights", f"enough for {', '.join(able)}")
    role, missing = min(found.missing_rights.items(), key=lambda item: len(item[1]))
    return problem(
        "rights",
        f"not enough for any role; {role} lacks {', '.join(missing)}",
        "connect as a user that `hpsearch db init --users` makes",
    )


def _disk(found: Condition) -> Finding:
    if found.disk is None:
        return ok("disk", _UNSEEN)
    free, total = found.disk.free_bytes, found.disk.total_bytes
    text = f"{free / 1024**3:.1f} of {total / 1024**3:.1f} GiB free"
    if free >= max(_FEW_BYTES, _FEW_SHARE * total):
        return ok("disk", text)
    return warning("disk", text, "make room: MongoDB stops when its disk is full, and searches wait")


def _documents(found: Condition) -> Iterator[Finding]:
    strays = found.strays
    for collection, some in strays.invalid.items():
        yield _counted(
            f"documents of {collection}",
            some,
            none="all as they should be",
            text="changed by hand, or damaged",
            advice=f"look at it with db[{collection!r}].find({{_id: ...}}), and mend or delete it",
            is_problem=True,
        )
    yield _counted(
        "newer experiments",
        strays.newer,
        none="none",
        text="written by a newer hpsearch",
        advice="upgrade hpsearch on this machine",
        is_problem=True,
    )
    yield _counted(
        "trials without experiment",
        strays.ownerless_trials,
        none="none",
        text="left by a deletion or a restore that was cut short",
        advice="repeat `hpsearch delete` with the part of its name before the slash",
    )
    yield _counted(
        "attachments without experiment",
        strays.ownerless_files,
        none="none",
        text="left by a deletion or a restore that was cut short",
        advice="repeat `hpsearch delete` with the metadata.exp_key of the file",
    )
    yield _counted(
        "uploads cut short",
        strays.broken_uploads,
        none="none",
        text="left by workers that died",
        advice="nothing need be done: they go with their experiment",
    )
    yield _counted(
        "overdue trials",
        strays.overdue,
        none="none",
        text="running by their document, but their lease ended more than a minute ago",
        advice="start the coordinator of their search, which gives them to other workers",
    )
    yield _counted(
        "leases",
        strays.far_leases,
        none="each ends within its own length from now",
        text="its lease ends later than its own length from now, so the server's clock was set back",
        advice="have the server follow a time server; coordinators and workers shorten such a lease",
    )
    yield _counted(
        "searches without coordinator",
        strays.waited_for,
        none="none that workers wait for",
        text="running, and idle workers serve it, but nobody has led it for a minute",
        advice="start it again with hpsearch run or hpsearch coordinator, or end it with hpsearch stop",
    )


def _counted(
    name: str, some: DocumentCount | None, *, none: str, text: str, advice: str, is_problem: bool = False
) -> Finding:
    if some is None:
        return ok(name, _UNSEEN)
    if some.n == 0:
        return ok(name, none)
    judged = problem if is_problem else warning
    return judged(name, f"{some.n}, such as {some.example}: {text}", advice)
