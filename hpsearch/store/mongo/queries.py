"""Every filter and update that the MongoDB store sends; pure.

Three rules hold throughout. Each transition of a trial is one conditional update of one
document, so that it needs no transaction. All times are ``$$NOW``, the server's clock.
And every value that comes from a user stands in ``$literal``, because an update pipeline
would take a text that begins with a dollar for the name of a field.

The fence is the token in ``owner``, fresh with each claim call, together with ``attempt``,
which only a claim raises. An expired lease leaves the token in place: it only opens the
trial for others, and until one of them claims it, the holder may still renew and finish.
A release takes the token away.

No lease counts for longer than its own length from now. One that ends later was given before
the server's clock was set back, and is shortened to that length (``shorten``, ``lead``): a dead
holder's then ends in time, and a living one renews it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpsearch.core.experiment import UNDECIDED, Elapsed, Experiment, ExperimentState
from hpsearch.core.trial import FINISHED, FailureKind, State, Trial
from hpsearch.store.documents.migration import SCHEMA
from hpsearch.store.documents.trial import LEASE_EXPIRED, LONGEST_LEASE_S

Filter = dict[str, Any]
Pipeline = list[dict[str, Any]]

NOW = "$$NOW"
_WHOLE = "$$ROOT"
_UNSET = "$$REMOVE"
_HELD = [State.RUNNING.value, State.PENDING.value]
_FINISHED = sorted(state.value for state in FINISHED)
_WITH_LOSS: dict[str, Any] = {"state": State.DONE.value, "loss": {"$gte": -math.inf}}
_EMPTY: dict[str, Any] = {"$literal": []}

#: Documents of a newer layout are left to a newer hpsearch.
_KNOWN: Filter = {"schema": {"$not": {"$gt": SCHEMA}}}


# Filters


def of(exp_key: str, states: Iterable[State] | None = None) -> Filter:
    """Trials of an experiment, in any of the states."""
    if states is None:
        return {"exp_key": exp_key}
    return {"exp_key": exp_key, "state": {"$in": sorted(state.value for state in set(states))}}


def pending(exp_key: str) -> Filter:
    """Trials that can be claimed."""
    return {"exp_key": exp_key, "state": State.PENDING.value, **_KNOWN}


def waiting(exp_keys: Sequence[str]) -> Filter:
    """Trials that wait in any of the experiments: no condition but on what the queue's index holds."""
    return {"exp_key": {"$in": list(exp_keys)}, "state": State.PENDING.value}


def claimed_with(token: str) -> Filter:
    """The trial that runs under a claim's token."""
    return {"state": State.RUNNING.value, "owner": token}


def held(trial: Trial) -> Filter:
    """The trial, if nobody has claimed it since and it is not final."""
    return {"_id": trial.id, "owner": trial.owner, "attempt": trial.attempt, "state": {"$in": _HELD}}


def cancelled(trial: Trial) -> Filter:
    """The trial, if it was cancelled under the claim."""
    return {**held(trial), "state": State.CANCELLED.value}


def held_or_finished(trial: Trial) -> Filter:
    """As ``held``, or finished under the same claim, which keeps its token in the document."""
    return {**held(trial), "state": {"$in": _HELD + _FINISHED}}


def held_or_released(trial: Trial, why: str) -> Filter:
    """As ``held``, or given back by the same claim, which is in the history."""
    back = {"history": {"$elemMatch": {"attempt": trial.attempt, "why": {"$eq": why}}}}
    return {"_id": trial.id, "$or": [held(trial), back]}


def in_hand(exp_key: str) -> Filter:
    """Running trials whose lease holds."""
    return {"exp_key": exp_key, "state": State.RUNNING.value, "$expr": {"$gt": ["$lease_until", NOW]}}


def expired(exp_key: str) -> Filter:
    """Running trials whose lease is over."""
    is_over = {"$expr": {"$lt": ["$lease_until", NOW]}}
    return {"exp_key": exp_key, "state": State.RUNNING.value, **is_over, **_KNOWN}


def too_long(exp_key: str) -> Filter:
    """Running trials whose lease ends later than its own length from now."""
    return {"exp_key": exp_key, **any_too_long(), **_KNOWN}


def any_too_long() -> Filter:
    """Running trials of any experiment whose lease ends later than its own length from now."""
    is_later = {"$gt": ["$lease_until", _from_now(_length("$lease_s"))]}
    return {"state": State.RUNNING.value, "$expr": is_later}


def in_place_of(trials: Sequence[Trial]) -> Filter:
    """What has the identifier, or the number, of one of the trials."""
    ids, exp_keys = [trial.id for trial in trials], sorted({trial.exp_key for trial in trials})
    numbers = {"exp_key": {"$in": exp_keys}, "tid": {"$in": [trial.tid for trial in trials]}}
    return {"$or": [{"_id": {"$in": ids}}, numbers]}


def to_take(exp_key: str, states: Iterable[State]) -> Filter:
    """Trials in any of the states that this hpsearch may do something to."""
    return {**of(exp_key, states), **_KNOWN}


def still_open(trial_id: str) -> Filter:
    """The trial, if it is not final."""
    return {"_id": trial_id, "state": {"$in": _HELD}}


def settled(exp_key: str, tids: Sequence[int]) -> Filter:
    """Those of the trials that are not open any more; whatever somebody made of their state."""
    return {"exp_key": exp_key, "tid": {"$in": list(tids)}, "state": {"$nin": _HELD}}


def with_loss(exp_key: str) -> Filter:
    """Done trials; the bound spares the sort documents without a loss, which it would put first."""
    return {"exp_key": exp_key, **_WITH_LOSS}


def after(last: Mapping[str, Any], sort: str) -> Filter:
    """Trials that follow the one of a document in an order: what makes a long read resumable."""
    tid, loss = last.get("tid"), last.get("loss")
    match sort:
        case "tid":
            return {"tid": {"$gt": tid}}
        case "newest":
            return {"tid": {"$lt": tid}}
    return {"$or": [{"loss": {"$gt": loss}}, {"loss": loss, "tid": {"$gt": tid}}]}


#: Orders in which trials can be read; each is that of an index.
ORDERS: Mapping[str, list[tuple[str, int]]] = {
    "tid": [("tid", 1)],
    "newest": [("tid", -1)],
    "loss": [("loss", 1), ("tid", 1)],
}

#: The order of the queue.
QUEUE_ORDER = [("priority", -1), ("tid", 1)]


# Filters of experiments


def readable(exp_key: str) -> Filter:
    """The experiment, unless a newer hpsearch wrote it."""
    return {"_id": exp_key, **_KNOWN}


def as_read(experiment: Experiment, schema: Any) -> Filter:
    """The experiment, if it is not another one of the same name by now, and nobody changed it for good."""
    return {
        "schema": schema,
        "_id": experiment.exp_key,
        "created_at": experiment.created_at,
        "objective.kind": experiment.objective.kind,
        "objective.fingerprint": experiment.objective.fingerprint,  # null finds one that has none
    }


def running(experiment: Experiment) -> Filter:
    """The experiment, if it runs with the code of its objective known here; null finds one without."""
    return {
        "_id": experiment.exp_key,
        "state": ExperimentState.RUNNING.value,
        "objective.fingerprint": experiment.objective.fingerprint,
        "objective.digest": experiment.objective.digest,
    }


def going_on(exp_key: str, leader: str | None) -> Filter:
    """The experiment, if it has not ended and, if one is named, that coordinator leads it."""
    states = sorted(state.value for state in ExperimentState if not state.is_over)
    led = {} if leader is None else {"coordinator.owner": leader}
    return {**readable(exp_key), "state": {"$in": states}, **led}


def not_led(exp_key: str) -> Filter:
    """The experiment, if no coordinator leads it."""
    # Missing and null sort below every date.
    return {"_id": exp_key, "$expr": {"$lte": ["$coordinator.lease_until", NOW]}}


def led_too_long(exp_key: str) -> Filter:
    """The experiment, if its leader's lease ends later than its own length from now."""
    return {"_id": exp_key, "$expr": _is_led_too_long()}


def any_led_too_long() -> Filter:
    """Experiments whose leader's lease ends later than its own length from now."""
    return {"$expr": _is_led_too_long()}


def unled_for(seconds: float) -> Filter:
    """Running experiments that no coordinator has led for so long."""
    before = _from_now(-seconds)
    # Missing and null sort below every date.
    is_unled = {"$or": [{"$lt": ["$coordinator.lease_until", before]}, _is_led_too_long()]}
    is_old = {"$lt": ["$created_at", before]}
    return {"state": ExperimentState.RUNNING.value, "$expr": {"$and": [is_unled, is_old]}}


# Updates of trials


def claim(token: str, holder: Mapping[str, Any]) -> Pipeline:
    """Pending to running. What an earlier attempt reported goes: reports belong to the attempt."""
    fields = {
        "state": State.RUNNING.value,
        "owner": {"$literal": token},
        "worker": {"$literal": holder},
        "attempt": {"$add": ["$attempt", 1]},
        "claimed_at": NOW,
        "heartbeat_at": NOW,
        "lease_until": _from_now("$lease_s"),
        "reports": _UNSET,
        "reports_last": _UNSET,
    }
    return [{"$set": fields}]


def renew() -> Pipeline:
    """A new lease; a trial that was put back but not claimed by anyone is taken up again."""
    fields = {"state": State.RUNNING.value, "heartbeat_at": NOW, "lease_until": _from_now("$lease_s")}
    return [{"$set": fields}]


def report(documents: Sequence[Mapping[str, Any]], batch: str) -> Pipeline:
    """Append reports with the server's time; a batch that is there already is not appended again."""
    new = [{"$mergeObjects": [{"$literal": document}, {"at": NOW}]} for document in documents]
    old = {"$ifNull": ["$reports", _EMPTY]}
    is_repeat = {"$eq": ["$reports_last", {"$literal": batch}]}
    reports = {"$cond": [is_repeat, old, {"$concatArrays": [old, new]}]}
    return [{"$set": {"reports": reports, "reports_last": {"$literal": batch}}}]


def finish(outcome: Mapping[str, Any]) -> Pipeline:
    """To done or failed; nothing happens to a trial that is that already."""
    final = _without_lease([_WHOLE, {"$literal": outcome}, {"finished_at": NOW}])
    return [{"$replaceWith": {"$cond": [{"$in": ["$state", _FINISHED]}, _WHOLE, final]}}]


def release(trial: Trial, why: str) -> Pipeline:
    """Back to pending without the token; nothing happens to a trial that was given back already."""
    entry = _history_entry({"$literal": why})
    back = _without_lease([_WHOLE, {"state": State.PENDING.value, "owner": None, "history": entry}])
    is_mine = {
        "$and": [
            {"$eq": ["$owner", {"$literal": trial.owner}]},
            {"$eq": ["$attempt", trial.attempt]},
            {"$in": ["$state", _HELD]},
        ]
    }
    return [{"$replaceWith": {"$cond": [is_mine, back, _WHOLE]}}]


def unclaim() -> Pipeline:
    """Back to pending without the token, as if it had not been taken; only ``attempt`` tells."""
    taken = ["worker", "claimed_at", "heartbeat_at", "lease_until"]
    return [{"$set": {"state": State.PENDING.value, "owner": None}}, {"$unset": taken}]


def expire() -> Pipeline:
    """Back to pending, or to failed when so many leases ran out as the trial may lose.

    Only lost attempts count, by their entries in the history, so that a trial which
    draining workers gave back is not the poorer for it.
    """
    was_lost = {
        "$filter": {
            "input": {"$ifNull": ["$history", _EMPTY]},
            "cond": {"$eq": ["$$this.why", LEASE_EXPIRED]},
        }
    }
    is_last = {"$gte": [{"$add": [{"$size": was_lost}, 1]}, "$max_attempts"]}
    message = {
        "$concat": [
            "The worker was not heard of for the length of its lease, in ",
            {"$toString": {"$add": [{"$size": was_lost}, 1]}},
            " of at most ",
            {"$toString": "$max_attempts"},
            " attempts.",
        ]
    }
    fields = {
        "state": {"$cond": [is_last, State.FAILED.value, State.PENDING.value]},
        "error": {"$cond": [is_last, {"kind": FailureKind.LOST.value, "message": message}, _UNSET]},
        "finished_at": {"$cond": [is_last, NOW, _UNSET]},
        "owner": {"$cond": [is_last, None, "$owner"]},
        "history": _history_entry(LEASE_EXPIRED),
        "lease_until": _UNSET,
    }
    return [{"$set": fields}]


def shorten() -> Pipeline:
    """A lease of its own length from now; the holder keeps it."""
    return [{"$set": {"lease_until": _from_now("$lease_s")}}]


def fail_unreadable(message: str) -> Pipeline:
    """To failed, whatever else is in the document."""
    fields = {
        "state": State.FAILED.value,
        "error": {"$literal": {"kind": FailureKind.UNREADABLE.value, "message": message}},
        "finished_at": NOW,
        "lease_until": _UNSET,
    }
    return [{"$set": fields}]


def cancel() -> Pipeline:
    """To cancelled; the token stays, so that a renewal can tell its holder."""
    fields = {"state": State.CANCELLED.value, "finished_at": NOW, "lease_until": _UNSET}
    return [{"$set": fields}]


def counts(exp_key: str, states: Iterable[State] | None) -> Pipeline:
    """Count by state: all trials by the queue's index alone, those in some states without newer layouts."""
    wanted = of(exp_key) if states is None else to_take(exp_key, states)
    return [{"$match": wanted}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]


def summaries(exp_keys: Sequence[str], trials: str, fields: Sequence[str], n_recent: int) -> Pipeline:
    """Of experiments: their trials by state, the best in some fields, and when the latest ones finished.

    Each part is the lookup of one experiment in one index of the collection of trials, so that the answer
    comes in batches.
    """
    by_state: Pipeline = [{"$group": {"_id": "$state", "n": {"$sum": 1}}}]
    best: Pipeline = [
        {"$match": _WITH_LOSS},
        {"$sort": dict(ORDERS["loss"])},
        {"$limit": 1},
        {"$project": dict.fromkeys(fields, 1)},
    ]
    recent: Pipeline = [
        {"$sort": dict(ORDERS["newest"])},
        {"$limit": n_recent},
        {"$match": {"state": {"$in": _FINISHED}, "finished_at": {"$type": "date"}}},
        {
            "$group": {
                "_id": None,
                "n": {"$sum": 1},
                "since": {"$min": "$finished_at"},
                "until": {"$max": "$finished_at"},
            }
        },
    ]
    of_each = {"from": trials, "localField": "_id", "foreignField": "exp_key"}
    return [
        {"$match": {"_id": {"$in": list(exp_keys)}}},
        {"$project": {"_id": 1}},
        {"$lookup": {**of_each, "pipeline": by_state, "as": "counts"}},
        {"$lookup": {**of_each, "pipeline": best, "as": "best"}},
        {"$lookup": {**of_each, "pipeline": recent, "as": "recent"}},
    ]


# Updates of experiments and workers


def raise_layout(changes: Mapping[str, Any]) -> Pipeline:
    """Write what the migration of an experiment changed; None removes a field."""
    fields = {name: _UNSET if value is None else {"$literal": value} for name, value in changes.items()}
    return [{"$set": fields}] if fields else []


def create(experiment: Mapping[str, Any]) -> Pipeline:
    """Write the experiment if there is none; an upsert with it leaves an existing one as it is."""
    is_new = {"$eq": [{"$size": {"$objectToArray": _WHOLE}}, 1]}  # nothing but the name that was upserted
    times = {"created_at": NOW, "started_at": NOW, "elapsed": {"seconds": 0.0, "since": NOW}}
    new = {"$mergeObjects": [{"$literal": experiment}, times]}
    return [{"$replaceWith": {"$cond": [is_new, new, _WHOLE]}}]


def join(experiment: Mapping[str, Any]) -> Pipeline:
    """Take over budget and defaults; a search that had ended begins anew, in the state of the argument.

    One that nobody has decided on takes over the objective, the algorithm, the seed and the lag, too.
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
        "state": {"$cond": [is_over, experiment["state"], "$state"]},
        "ended_why": _UNSET,
        "started_at": {"$cond": [is_over, NOW, {"$ifNull": ["$started_at", NOW]}]},
        "elapsed": {"$cond": [is_over, {"seconds": 0.0, "since": NOW}, "$elapsed"]},
    }
    return [{"$set": fields}]


def set_objective(objective: Mapping[str, Any], before: str | None) -> Pipeline:
    """Write the objective, and note a change of its code if that had another fingerprint before."""
    fields: dict[str, Any] = {"objective": {"$literal": objective}}
    if before is not None:
        after = objective["fingerprint"]
        change = {"at": NOW, "before": {"$literal": before}, "after": {"$literal": after}}
        old = {"$ifNull": ["$objective_changes", _EMPTY]}
        fields["objective_changes"] = {"$concatArrays": [old, [change]]}
    return [{"$set": fields}]


def set_priority(priority: int) -> Pipeline:
    """Change the share of an experiment."""
    return [{"$set": {"priority": priority}}]


def set_state(state: ExperimentState, why: str | None) -> Pipeline:
    """Move an experiment to a state."""
    return [{"$set": {"state": state.value, "ended_why": _UNSET if why is None else {"$literal": why}}}]


def lead(owner: str, lease_s: float, elapsed: Elapsed | None) -> Pipeline:
    """Renew one's own lease on an experiment, or take one that is free or over, in a new epoch.

    A bid that fails shortens a lease that is too long; one without a length is taken to have the bidder's.
    """
    is_mine = _leads(owner)
    # Missing and null sort below every date.
    is_free = {"$lt": ["$coordinator.lease_until", NOW]}
    is_won = {"$or": [is_mine, is_free]}
    epoch = {"$add": [{"$ifNull": ["$coordinator.epoch", 0]}, {"$cond": [is_mine, 0, 1]}]}
    mine = {
        "owner": {"$literal": owner},
        "epoch": epoch,
        "lease_until": _from_now(lease_s),
        "lease_s": lease_s,
    }
    latest = _from_now(_length("$coordinator.lease_s", lease_s))
    shortened = {"$mergeObjects": ["$coordinator", {"lease_until": latest}]}
    branches = [
        {"case": is_won, "then": mine},
        {"case": {"$gt": ["$coordinator.lease_until", latest]}, "then": shortened},
    ]
    fields = {
        "coordinator": {"$switch": {"branches": branches, "default": "$coordinator"}},
        "elapsed": {"$cond": [is_won, _elapsed(is_mine, elapsed), "$elapsed"]},
    }
    return [{"$set": fields}]


def shorten_lead() -> Pipeline:
    """A leader's lease of its own length from now."""
    return [{"$set": {"coordinator": {"lease_until": _from_now("$coordinator.lease_s")}}}]


def resign(owner: str, elapsed: Elapsed | None) -> Pipeline:
    """Free the leadership; the epoch stays, so that the next one is higher."""
    fields = {
        "coordinator": {"owner": None, "lease_until": None},
        "elapsed": _elapsed(_leads(owner), elapsed),
    }
    return [{"$set": fields}]


def record(worker: Mapping[str, Any], ttl_s: float) -> Pipeline:
    """Replace a worker's entry; the time of its start stays while it is the same process."""
    is_same = {"$eq": ["$pid", worker["pid"]]}
    started = {"$cond": [is_same, {"$ifNull": ["$started_at", NOW]}, NOW]}
    times = {"started_at": started, "seen_at": NOW, "expire_at": _from_now(ttl_s)}
    return [{"$replaceWith": {"$mergeObjects": [{"$literal": worker}, times]}}]


#: Whether a worker was seen later than its entry is good for from now: the clock was set back since.
_SEEN_TOO_LATE = {
    "$cond": [
        {"$and": [{"$eq": [{"$type": f"${name}"}, "date"]} for name in ("seen_at", "expire_at")]},
        {"$gt": ["$seen_at", {"$add": [NOW, {"$subtract": ["$expire_at", "$seen_at"]}]}]},
        False,
    ]
}

#: Workers whose entry is not over; MongoDB removes the others within a minute or so.
ALIVE: Filter = {"$expr": {"$and": [{"$gt": ["$expire_at", NOW]}, {"$not": [_SEEN_TOO_LATE]}]}}


# Parts


def _literal(document: Mapping[str, Any], name: str) -> Any:
    """Return a field of a document as a value, and what removes the field where there is none."""
    return {"$literal": document[name]} if name in document else _UNSET


def _is_led_too_long() -> dict[str, Any]:
    """Whether the lease of an experiment's leader ends later than its own length from now."""
    return {"$gt": ["$coordinator.lease_until", _from_now(_length("$coordinator.lease_s"))]}


def _leads(owner: str) -> dict[str, Any]:
    """Whether a coordinator has the lease on an experiment."""
    return {"$eq": ["$coordinator.owner", {"$literal": owner}]}


def _elapsed(is_mine: dict[str, Any], measured: Elapsed | None) -> dict[str, Any]:
    """Return for how long an experiment has been led in its current run.

    That is what is stored, or more, as its leader measured it in the same run. Where an older hpsearch led,
    nothing is stored, and the time since the start counts.
    """
    began = {"$cond": [{"$eq": [{"$type": "$started_at"}, "date"]}, "$started_at", NOW]}
    since_start = {"$max": [{"$divide": [{"$subtract": [NOW, began]}, 1000]}, 0.0]}
    is_stored = {"$eq": ["$elapsed.since", "$started_at"]}
    seconds: dict[str, Any] = {"$cond": [is_stored, {"$ifNull": ["$elapsed.seconds", 0.0]}, since_start]}
    if measured is not None:
        is_this_run = {"$eq": [{"$ifNull": ["$started_at", None]}, {"$literal": measured.since}]}
        longer = {"$cond": [{"$and": [is_mine, is_this_run]}, measured.seconds, 0.0]}
        seconds = {"$max": [seconds, longer]}
    return {"seconds": seconds, "since": "$started_at"}


def _length(field: str, default: float = LONGEST_LEASE_S) -> dict[str, Any]:
    """Return the length of a lease by its field, or the default where that is missing or no length."""
    # What is no number sorts below 0 or above every bound.
    is_length = {"$and": [{"$gte": [field, 0]}, {"$lte": [field, LONGEST_LEASE_S]}]}
    return {"$cond": [is_length, field, default]}


def _from_now(seconds: float | str | dict[str, Any]) -> dict[str, Any]:
    """Return the server's time in so many seconds; a text names a field."""
    amount = {"$toLong": {"$multiply": [seconds, 1000]}}
    return {"$dateAdd": {"startDate": NOW, "unit": "millisecond", "amount": amount}}


def _without_lease(parts: list[Any]) -> dict[str, Any]:
    """Return a merged document without its lease."""
    return {"$unsetField": {"field": "lease_until", "input": {"$mergeObjects": parts}}}


def _history_entry(why: Any) -> dict[str, Any]:
    """Return the history with the end of the current attempt."""
    entry = {
        "attempt": "$attempt",
        "worker": {"$ifNull": ["$worker.name", None]},
        "ended_at": NOW,
        "why": why,
    }
    return {"$concatArrays": [{"$ifNull": ["$history", _EMPTY]}, [entry]]}
