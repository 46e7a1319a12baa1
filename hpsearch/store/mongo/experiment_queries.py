"""Every filter and update of experiments and workers; ``queries.py`` states the rules for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hpsearch.core.experiment import UNDECIDED, Elapsed, Experiment, ExperimentState
from hpsearch.store.mongo.queries import (
    EMPTY,
    KNOWN_LAYOUT,
    NOW,
    UNSET,
    WHOLE,
    Filter,
    Pipeline,
    from_now,
    lease_length,
)

# Filters


def readable(exp_key: str) -> Filter:
    """Match an experiment unless a newer hpsearch wrote it."""
    return {"_id": exp_key, **KNOWN_LAYOUT}


def unchanged(experiment: Experiment, schema: Any) -> Filter:
    """Match an experiment unless it was re-created or its objective or layout changed since it was read.

    Parameters
    ----------
    experiment : Experiment
        As it was read.
    schema : any
        The field ``schema`` of its document.
    """
    return {
        "schema": schema,
        "_id": experiment.exp_key,
        "created_at": experiment.created_at,
        "objective.kind": experiment.objective.kind,
        "objective.fingerprint": experiment.objective.fingerprint,  # None matches a missing field
    }


def running(experiment: Experiment) -> Filter:
    """Match an experiment that is running with the same objective code; None matches a missing field."""
    return {
        "_id": experiment.exp_key,
        "state": ExperimentState.RUNNING.value,
        "objective.fingerprint": experiment.objective.fingerprint,
        "objective.digest": experiment.objective.digest,
    }


def with_labels(labels: Iterable[str]) -> Filter:
    """Match experiments whose space has all of some parameters; none if there are no labels."""
    return {"space.parameters.label": {"$all": sorted(set(labels))}}


def not_ended(exp_key: str, leader: str | None) -> Filter:
    """Match an experiment that has not ended.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    leader : str or None
        Token of a coordinator, which must lead it.
    """
    states = sorted(state.value for state in ExperimentState if not state.is_over)
    led = {} if leader is None else {"coordinator.owner": leader}
    return {**readable(exp_key), "state": {"$in": states}, **led}


def not_led(exp_key: str) -> Filter:
    """Match an experiment that no coordinator leads."""
    # Missing and null sort below every date.
    return {"_id": exp_key, "$expr": {"$lte": ["$coordinator.lease_until", NOW]}}


def led_too_long(exp_key: str) -> Filter:
    """Match an experiment whose leader's lease ends later than its own length from now."""
    return {"_id": exp_key, "$expr": _is_led_too_long()}


def any_led_too_long() -> Filter:
    """Match all experiments whose leader's lease ends later than its own length from now."""
    return {"$expr": _is_led_too_long()}


def unled_for(seconds: float) -> Filter:
    """Match running experiments that no coordinator has led for some seconds."""
    before = from_now(-seconds)
    # Missing and null sort below every date.
    is_unled = {"$or": [{"$lt": ["$coordinator.lease_until", before]}, _is_led_too_long()]}
    is_old = {"$lt": ["$created_at", before]}
    return {"state": ExperimentState.RUNNING.value, "$expr": {"$and": [is_unled, is_old]}}


# Updates


def raise_layout(changes: Mapping[str, Any]) -> Pipeline:
    """Store the changes of a migration, by field; None removes a field."""
    fields = {name: UNSET if value is None else {"$literal": value} for name, value in changes.items()}
    return [{"$set": fields}] if fields else []


def create(experiment: Mapping[str, Any]) -> Pipeline:
    """Create an experiment, in an upsert; an existing one stays as it is."""
    is_new = {"$eq": [{"$size": {"$objectToArray": WHOLE}}, 1]}  # an upserted document has only its name
    times = {"created_at": NOW, "started_at": NOW, "elapsed": {"seconds": 0.0, "since": NOW}}
    new = {"$mergeObjects": [{"$literal": experiment}, times]}
    return [{"$replaceWith": {"$cond": [is_new, new, WHOLE]}}]


def join(experiment: Mapping[str, Any]) -> Pipeline:
    """Store the budget, defaults and pruner of the joining experiment; an ended one starts a new run.

    An undecided one also gets the objective, the algorithm, the seed and the lag.
    """
    is_undecided = {"$eq": ["$objective.kind", UNDECIDED.kind]}
    is_over = {"$in": ["$state", [ExperimentState.DONE.value, ExperimentState.STOPPED.value]]}
    decided = {
        name: {"$cond": [is_undecided, _literal(experiment, name), f"${name}"]}
        for name in ("objective", "algorithm", "seed", "lag")
    }
    fields = {
        **decided,
        "budget": {"$literal": experiment["budget"]},
        "defaults": {"$literal": experiment["defaults"]},
        "pruner": _literal(experiment, "pruner"),
        "state": {"$cond": [is_over, experiment["state"], "$state"]},
        "ended_why": UNSET,
        "started_at": {"$cond": [is_over, NOW, {"$ifNull": ["$started_at", NOW]}]},
        "elapsed": {"$cond": [is_over, {"seconds": 0.0, "since": NOW}, "$elapsed"]},
    }
    return [{"$set": fields}]


def set_objective(objective: Mapping[str, Any], before: str | None) -> Pipeline:
    """Store the objective of an experiment.

    Parameters
    ----------
    objective : mapping
        Its document.
    before : str or None
        Fingerprint of the replaced code, for the record of changes; None if the code is the same.
    """
    fields: dict[str, Any] = {"objective": {"$literal": objective}}
    if before is not None:
        after = objective["fingerprint"]
        change = {"at": NOW, "before": {"$literal": before}, "after": {"$literal": after}}
        old = {"$ifNull": ["$objective_changes", EMPTY]}
        fields["objective_changes"] = {"$concatArrays": [old, [change]]}
    return [{"$set": fields}]


def revise() -> Pipeline:
    """Make coordinators read the trials again."""
    return [{"$set": {"revision": {"$add": [{"$ifNull": ["$revision", 0]}, 1]}}}]


def set_priority(priority: int) -> Pipeline:
    """Change the priority of an experiment."""
    return [{"$set": {"priority": priority}}]


def set_policy(policy: Mapping[str, Any]) -> Pipeline:
    """Replace the policy of the pruner."""
    return [{"$set": {"policy": {"$literal": policy}}}]


def set_state(state: ExperimentState, why: str | None) -> Pipeline:
    """Change the state of an experiment.

    Parameters
    ----------
    state : ExperimentState
        The new state.
    why : str or None
        The reason, if it ends.
    """
    return [{"$set": {"state": state.value, "ended_why": UNSET if why is None else {"$literal": why}}}]


def lead(owner: str, lease_s: float, elapsed: Elapsed | None) -> Pipeline:
    """Renew the leader's own lease on an experiment, or take over a free or expired one in a new epoch.

    A failed bid shortens a lease that is too long; one of unknown length counts as long as the bidder's.

    Parameters
    ----------
    owner : str
        Token of the bidding coordinator.
    lease_s : float
        Length of its lease, in seconds.
    elapsed : Elapsed or None
        For how long the run has been led, as the bidder measured it.
    """
    is_leader = _leads(owner)
    # Missing and null sort below every date.
    is_free = {"$lt": ["$coordinator.lease_until", NOW]}
    is_won = {"$or": [is_leader, is_free]}
    epoch = {"$add": [{"$ifNull": ["$coordinator.epoch", 0]}, {"$cond": [is_leader, 0, 1]}]}
    own_lease = {
        "owner": {"$literal": owner},
        "epoch": epoch,
        "lease_until": from_now(lease_s),
        "lease_s": lease_s,
    }
    latest = from_now(lease_length("$coordinator.lease_s", lease_s))
    shortened = {"$mergeObjects": ["$coordinator", {"lease_until": latest}]}
    branches = [
        {"case": is_won, "then": own_lease},
        {"case": {"$gt": ["$coordinator.lease_until", latest]}, "then": shortened},
    ]
    fields = {
        "coordinator": {"$switch": {"branches": branches, "default": "$coordinator"}},
        "elapsed": {"$cond": [is_won, _elapsed(is_leader, elapsed), "$elapsed"]},
    }
    return [{"$set": fields}]


def shorten_lead() -> Pipeline:
    """End the leader's lease its own length from now."""
    return [{"$set": {"coordinator": {"lease_until": from_now("$coordinator.lease_s")}}}]


def resign(owner: str, elapsed: Elapsed | None) -> Pipeline:
    """Give up the leadership; the epoch stays, so that the next one is higher.

    Parameters
    ----------
    owner : str
        Token of the coordinator.
    elapsed : Elapsed or None
        For how long the run has been led, as the coordinator measured it.
    """
    fields = {
        "coordinator": {"owner": None, "lease_until": None},
        "elapsed": _elapsed(_leads(owner), elapsed),
    }
    return [{"$set": fields}]


def record_worker(worker: Mapping[str, Any], ttl_s: float) -> Pipeline:
    """Replace the registry entry of a worker; the start time stays while the process is the same.

    Parameters
    ----------
    worker : mapping
        Its document, without times.
    ttl_s : float
        Seconds until the entry expires.
    """
    is_same = {"$eq": ["$pid", worker["pid"]]}
    started = {"$cond": [is_same, {"$ifNull": ["$started_at", NOW]}, NOW]}
    times = {"started_at": started, "seen_at": NOW, "expire_at": from_now(ttl_s)}
    return [{"$replaceWith": {"$mergeObjects": [{"$literal": worker}, times]}}]


#: Whether a worker was seen further in the future than its entry lasts: the clock was set back since.
_SEEN_TOO_LATE = {
    "$cond": [
        {"$and": [{"$eq": [{"$type": f"${name}"}, "date"]} for name in ("seen_at", "expire_at")]},
        {"$gt": ["$seen_at", {"$add": [NOW, {"$subtract": ["$expire_at", "$seen_at"]}]}]},
        False,
    ]
}

#: Matches workers whose entry has not expired; MongoDB removes the others within about a minute.
ALIVE_WORKERS: Filter = {"$expr": {"$and": [{"$gt": ["$expire_at", NOW]}, {"$not": [_SEEN_TOO_LATE]}]}}


# Parts


def _literal(document: Mapping[str, Any], name: str) -> Any:
    """Return an expression for a field of a document; it removes the field where there is none."""
    return {"$literal": document[name]} if name in document else UNSET


def _is_led_too_long() -> dict[str, Any]:
    """Whether the lease of an experiment's leader ends later than its own length from now."""
    return {"$gt": ["$coordinator.lease_until", from_now(lease_length("$coordinator.lease_s"))]}


def _leads(owner: str) -> dict[str, Any]:
    """Whether a coordinator has the lease on an experiment."""
    return {"$eq": ["$coordinator.owner", {"$literal": owner}]}


def _elapsed(is_leader: dict[str, Any], measured: Elapsed | None) -> dict[str, Any]:
    """Return an expression for how long the current run of an experiment has been led.

    This is the larger of the stored time and the time that its leader measured. Where an older hpsearch led,
    nothing is stored, and the time since the start counts.
    """
    start = {"$cond": [{"$eq": [{"$type": "$started_at"}, "date"]}, "$started_at", NOW]}
    since_start = {"$max": [{"$divide": [{"$subtract": [NOW, start]}, 1000]}, 0.0]}
    is_stored = {"$eq": ["$elapsed.since", "$started_at"]}
    seconds: dict[str, Any] = {"$cond": [is_stored, {"$ifNull": ["$elapsed.seconds", 0.0]}, since_start]}
    if measured is not None:
        is_this_run = {"$eq": [{"$ifNull": ["$started_at", None]}, {"$literal": measured.since}]}
        longer = {"$cond": [{"$and": [is_leader, is_this_run]}, measured.seconds, 0.0]}
        seconds = {"$max": [seconds, longer]}
    return {"seconds": seconds, "since": "$started_at"}
